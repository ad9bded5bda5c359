//! For tests of applications: the `Cookie` header of a signed-in user, a clock that the test moves, and a store that the test can
//! make fail.
//!
//! ```
//! use std::time::Duration;
//!
//! use http::{HeaderMap, header};
//! use waxseal_http::{Keyring, MemoryStore, RootKey, Sessions, testing};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = testing::TestClock::new();
//! let keyring = Keyring::new([RootKey::generate()?])?;
//! let sessions = Sessions::builder(keyring, MemoryStore::new()).clock(clock.clone()).build()?;
//!
//! let cookie = testing::signed_in(&sessions, "ada").await?;
//!
//! // The application's router goes here; the engine shows what it would see.
//! let request = HeaderMap::from_iter([(header::COOKIE, cookie)]);
//! assert_eq!(sessions.open(&request).subject().await?.as_deref(), Some("ada"));
//! clock.advance(Duration::from_secs(30 * 60));
//! assert_eq!(sessions.open(&request).subject().await?, None);
//! # Ok(())
//! # }
//! ```

mod store;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use waxseal_core::Timestamp;

use crate::{Clock, Session, SessionError, Sessions, SystemClock};

pub use store::TestStore;

/// A clock that stands still until a test moves it. Clones show the same time.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    /// A clock that shows the present time.
    pub fn new() -> Self {
        Self::at(SystemClock.now())
    }

    /// A clock that shows this time.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(AtomicU64::new(now.unix_ms())))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

/// Signs `subject` in and returns the value of the `Cookie` header that a browser would send from then on.
pub async fn signed_in(sessions: &Sessions, subject: &str) -> Result<HeaderValue, SessionError> {
    cookie(sessions, |session| session.sign_in(subject)).await
}

/// Makes a session, lets `prepare` fill it, saves it, and returns the value of the `Cookie` header. The value is empty if
/// `prepare` recorded nothing.
pub async fn cookie(
    sessions: &Sessions,
    prepare: impl FnOnce(&Session) -> Result<(), SessionError>,
) -> Result<HeaderValue, SessionError> {
    let session = sessions.open(&HeaderMap::new());
    prepare(&session)?;
    let mut response = HeaderMap::new();
    let _ = sessions.commit(&session, StatusCode::OK, &mut response).await?;
    let set = response.get(header::SET_COOKIE).map_or(&b""[..], HeaderValue::as_bytes);
    let pair = set.split(|b| *b == b';').next().unwrap_or_default();
    Ok(HeaderValue::from_bytes(pair).unwrap_or_else(|_| HeaderValue::from_static("")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keyring, MemoryStore, RootKey};

    #[tokio::test]
    async fn a_store_that_is_switched_off_fails_and_comes_back() {
        let (keyring, store) = (Keyring::new([RootKey::generate().unwrap()]).unwrap(), TestStore::new());
        let sessions = Sessions::builder(keyring, store.clone()).build().unwrap();
        let request = HeaderMap::from_iter([(header::COOKIE, signed_in(&sessions, "ada").await.unwrap())]);
        store.set_down(true);
        assert_eq!(sessions.open(&request).subject().await.unwrap_err().status(), StatusCode::SERVICE_UNAVAILABLE);
        store.set_down(false);
        assert_eq!(sessions.open(&request).subject().await.unwrap().as_deref(), Some("ada"));
    }

    #[tokio::test]
    async fn what_was_prepared_is_there() {
        let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
        let sessions = Sessions::builder(keyring, MemoryStore::new()).build().unwrap();
        let prepared = cookie(&sessions, |session| session.insert("cart", ["bread"])).await.unwrap();
        let session = sessions.open(&HeaderMap::from_iter([(header::COOKIE, prepared)]));
        assert_eq!(session.get::<Vec<String>>("cart").await.unwrap().unwrap(), ["bread"]);
        assert_eq!(session.subject().await.unwrap(), None);
        assert_eq!(cookie(&sessions, |_| Ok(())).await.unwrap(), "");
    }
}
