//! Flash messages.

use axum::{Router, routing::get};
use waxseal::{
    MemoryStore,
    axum::{Session, SessionError},
    testing::TestClock,
};
use waxseal_guides::recipes::flash::{flash, flashed};

use crate::browser::{Browser, builder};

async fn save(session: Session) -> Result<(), SessionError> {
    flash(&session, "Saved.")?;
    flash(&session, "And sent.")
}

async fn sign_out(session: Session) -> Result<(), SessionError> {
    session.sign_out();
    flash(&session, "Goodbye.")
}

async fn page(session: Session) -> Result<String, SessionError> {
    Ok(flashed(&session).await?.join(" "))
}

#[tokio::test]
async fn a_message_is_shown_once_also_after_a_sign_out() {
    let routes = Router::new().route("/", get(page)).route("/save", get(save)).route("/sign-out", get(sign_out));
    let sessions = builder(MemoryStore::new(), &TestClock::new()).build().unwrap();
    let mut browser = Browser::signed_in(routes, &sessions, "ada").await;
    browser.get("/save").await;
    assert_eq!(browser.get("/").await.1, "Saved. And sent.");
    assert_eq!(browser.get("/").await.1, "");
    browser.get("/sign-out").await;
    assert_eq!(browser.get("/").await.1, "Goodbye.");
    assert_eq!(browser.get("/").await.1, "");
}

#[tokio::test]
async fn only_the_last_ten_wait() {
    let many = get(async |session: Session| (1..=12).try_for_each(|n| flash(&session, &n.to_string())));
    let routes = Router::new().route("/", get(page)).route("/many", many);
    let sessions = builder(MemoryStore::new(), &TestClock::new()).build().unwrap();
    let mut browser = Browser::signed_in(routes, &sessions, "ada").await;
    browser.get("/many").await;
    assert_eq!(browser.get("/").await.1, "3 4 5 6 7 8 9 10 11 12");
}
