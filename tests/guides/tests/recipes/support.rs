//! Administrators: a user's sessions, and impersonation.

use std::time::Duration;

use axum::{Router, extract::Path, routing::get};
use waxseal::{
    MemoryStore,
    axum::{SessionError, SignedIn, SubjectSessions},
    testing::TestClock,
};
use waxseal_guides::recipes::support::{impersonate, impersonator};

use crate::browser::{Browser, builder};

fn routes() -> Router {
    let who = get(async |user: SignedIn| {
        let behind = impersonator(&user.session).await?.unwrap_or_default();
        let devices = user.session.list().await?.into_iter().map(|device| device.label.unwrap_or_default());
        Ok::<_, SessionError>(format!("{} {behind} {:?}", user.subject, devices.collect::<Vec<_>>()))
    });
    let keep = get(async |user: SignedIn| user.session.insert("secret", "the administrator's"));
    let read = get(async |user: SignedIn| Ok::<_, SessionError>(user.session.keys().await?.join(" ")));
    let end = get(async |sessions: SubjectSessions, Path(user): Path<String>| {
        Ok::<_, SessionError>(sessions.revoke_all(&user).await?.to_string())
    });
    Router::new()
        .route("/", who)
        .route("/keep", keep)
        .route("/keys", read)
        .route("/end/{user}", end)
        .route("/impersonate", get(async |user: SignedIn| impersonate(&user, "ada")))
}

#[tokio::test]
async fn an_impersonated_session_is_the_users_seen_and_short() {
    let clock = TestClock::new();
    let sessions = builder(MemoryStore::new(), &clock).build().unwrap();
    let mut ada = Browser::signed_in(routes(), &sessions, "ada").await;
    let mut grace = Browser::signed_in(routes(), &sessions, "grace").await;
    grace.get("/keep").await;
    let before = grace.clone();
    grace.get("/impersonate").await;
    assert!(grace.get("/").await.1.starts_with("ada grace "));
    assert_eq!(grace.get("/keys").await.1, "impersonated_by", "the administrator's data stay behind");
    assert_eq!(before.clone().get("/").await.0, 401, "the administrator's own session ended");
    assert!(ada.get("/").await.1.contains("Support (grace)"));
    clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(grace.get("/").await.0, 401);
    assert_eq!(ada.get("/").await.0, 200);
}

#[tokio::test]
async fn an_administrator_ends_a_users_sessions() {
    let sessions = builder(MemoryStore::new(), &TestClock::new()).build().unwrap();
    let mut ada = Browser::signed_in(routes(), &sessions, "ada").await;
    let mut grace = Browser::signed_in(routes(), &sessions, "grace").await;
    assert_eq!(grace.get("/end/ada").await.1, "1");
    assert_eq!((ada.get("/").await.0.as_u16(), grace.get("/").await.0.as_u16()), (401, 200));
}
