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
