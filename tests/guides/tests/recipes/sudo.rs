//! The password that is asked for again.

use std::time::Duration;

use axum::{Router, routing::get};
use waxseal::{
    Clock, MemoryStore,
    axum::{SessionError, SignedIn},
    testing::TestClock,
};
use waxseal_guides::recipes::sudo::{confirm, is_confirmed};

use crate::browser::{Browser, builder};

#[tokio::test]
async fn a_confirmation_counts_for_five_minutes_in_a_renewed_session() {
    let clock = TestClock::new();
    let now = clock.clone();
    let enter = get(async move |user: SignedIn| confirm(&user.session, now.now()));
    let now = clock.clone();
    let ask = get(async move |user: SignedIn| {
        Ok::<_, SessionError>(is_confirmed(&user.session, now.now()).await?.to_string())
    });
    let routes = Router::new().route("/enter", enter).route("/ask", ask);
    let sessions = builder(MemoryStore::new(), &clock).build().unwrap();
    let mut browser = Browser::signed_in(routes.clone(), &sessions, "ada").await;
    assert_eq!(browser.get("/ask").await.1, "false");

    let mut thief = browser.clone();
    browser.get("/enter").await;
    assert_eq!(browser.get("/ask").await.1, "true");
    assert_ne!(browser.cookie(), thief.cookie());
    assert_eq!(thief.get("/ask").await.0, 401, "the cookie of before is dead");

    let mut elsewhere = Browser::signed_in(routes, &sessions, "ada").await;
    assert_eq!(elsewhere.get("/ask").await.1, "false", "it counts in its own session");
    clock.advance(Duration::from_secs(299));
    assert_eq!(browser.get("/ask").await.1, "true");
    clock.advance(Duration::from_secs(1));
    assert_eq!(browser.get("/ask").await.1, "false");
}
