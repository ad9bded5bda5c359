//! At most so many devices.

use std::time::Duration;

use axum::{Router, routing::get};
use waxseal::{
    MemoryStore, OverLimit,
    axum::{Session, SessionError, SignedIn},
    engine,
    testing::TestClock,
};

use crate::browser::{Browser, builder};

/// As on the page "Devices".
async fn sign_in(session: Session) -> Result<String, SessionError> {
    session.sign_in("ada")?;
    match session.save().await {
        Ok(_) => Ok("welcome".into()),
        Err(SessionError(engine::SessionError::TooManySessions { max })) => {
            session.discard();
            Ok(format!("signed in on {max} devices already"))
        }
        Err(error) => Err(error),
    }
}

fn routes() -> Router {
    let count = get(async |user: SignedIn| Ok::<_, SessionError>(user.session.list().await?.len().to_string()));
    Router::new().route("/", count).route("/sign-in", get(sign_in))
}

#[tokio::test]
async fn one_device_too_many_is_refused_with_a_page() {
    let clock = TestClock::new();
    let sessions = builder(MemoryStore::new(), &clock).max_sessions_per_subject(2, OverLimit::Refuse).build().unwrap();
    let mut devices = [(); 3].map(|()| Browser::new(routes(), &sessions));
    assert_eq!(devices[0].get("/sign-in").await.1, "welcome");
    assert_eq!(devices[1].get("/sign-in").await.1, "welcome");
    assert_eq!(devices[2].get("/sign-in").await, (axum::http::StatusCode::OK, "signed in on 2 devices already".into()));
    assert_eq!(devices[2].get("/").await.0, 401);
    assert_eq!(devices[0].get("/").await.1, "2");
}

#[tokio::test]
async fn or_the_oldest_sign_in_ends() {
    let clock = TestClock::new();
    let sessions =
        builder(MemoryStore::new(), &clock).max_sessions_per_subject(2, OverLimit::EndOldest).build().unwrap();
    let mut devices = [(); 3].map(|()| Browser::new(routes(), &sessions));
    for device in &mut devices {
        assert_eq!(device.get("/sign-in").await.1, "welcome");
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(devices[0].get("/").await.0, 401);
    assert_eq!((devices[1].get("/").await.1, devices[2].get("/").await.1), ("2".into(), "2".into()));
}
