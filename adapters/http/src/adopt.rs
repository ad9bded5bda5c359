//! Sessions that users already have: how a session of another system becomes one of ours, without a new sign-in.

use std::error::Error;

use async_trait::async_trait;
use http::HeaderMap;
use waxseal_core::{Data, Timestamp};

/// Recognises the sessions of another system; see [`SessionsBuilder::adopt`](crate::SessionsBuilder::adopt).
///
/// It is asked at the first use of a session whose request presents no authentic cookie of ours. A session that it recognises
/// becomes one of ours, with a new secret, a new row and our cookie. Then the old cookie is removed and the old session is
/// retired.
#[async_trait]
pub trait Adopt: Send + Sync + 'static {
    /// What identifies the old session that a request presents: its id, or the whole cookie if that holds the session. `None` if
    /// the request presents none, or if it is not authentic. Does not ask a database.
    fn key(&self, headers: &HeaderMap) -> Option<Vec<u8>>;

    /// Loads the old session as it is now. `None` if it has ended or expired, or never existed. An error, and with it a 503, if
    /// that could not be found out.
    async fn load(&self, key: &[u8], now: Timestamp) -> Result<Option<Adopted>, AdoptError>;

    /// Ends the old session, after the new one was saved. It may be called more than once. Do nothing if the old system stays in
    /// use.
    async fn retire(&self, key: &[u8]) -> Result<(), AdoptError>;

    /// The cookies that carry the old system's sessions, to be removed.
    fn cookies(&self) -> Vec<OldCookie>;
}

/// Why a session of another system could not be adopted.
pub type AdoptError = Box<dyn Error + Send + Sync>;

/// A session of another system.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Adopted {
    /// The user, if somebody is signed in.
    pub subject: Option<String>,
    /// Its data.
    pub data: Data,
    /// When it was created, if that is known.
    pub created_at: Option<Timestamp>,
    /// When it ends, if that is known. The new session ends no later, unless its user signs in again.
    pub expires_at: Option<Timestamp>,
}

/// A cookie of another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldCookie {
    /// Its name.
    pub name: String,
    /// Its `Path`, as the other system set it.
    pub path: String,
    /// Its `Domain`, as the other system set it.
    pub domain: Option<String>,
}

impl OldCookie {
    /// A cookie of this name with `Path=/` and no `Domain`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), path: "/".into(), domain: None }
    }
}
