//! Sessions that users already have: how those of another system become sessions of ours, without a new sign-in.

use std::error::Error;

use async_trait::async_trait;
use http::HeaderMap;
use waxseal_core::{Data, Timestamp};

/// Recognises the sessions of another system; see [`SessionsBuilder::adopt`](crate::SessionsBuilder::adopt).
///
/// It is asked at the first use of a session whose request presents no authentic cookie of ours. What it recognises becomes a session
/// of ours: a new secret, a new row and our cookie. Then the old cookie is removed and the old session retired.
#[async_trait]
pub trait Adopt: Send + Sync + 'static {
    /// What identifies the old session that a request presents: its id, or the whole cookie where that holds the session. `None`
    /// where there is none, or where it is not authentic. Asks no database.
    fn key(&self, headers: &HeaderMap) -> Option<Vec<u8>>;

    /// The old session, as it is now. `None` where it has ended or expired, or was never there. An error, and with it a 503, where
    /// that could not be found out.
    async fn load(&self, key: &[u8], now: Timestamp) -> Result<Option<Adopted>, AdoptError>;

    /// Ends the old session, once the new one is saved; it may be repeated. Does nothing where the old system is to go on beside.
    async fn retire(&self, key: &[u8]) -> Result<(), AdoptError>;

    /// The cookies that carry the old system's sessions, to be removed.
    fn cookies(&self) -> Vec<OldCookie>;
}

/// Why a session of another system could not be adopted.
pub type AdoptError = Box<dyn Error + Send + Sync>;

/// A session of another system.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Adopted {
    /// Whose it is, where somebody is signed in.
    pub subject: Option<String>,
    /// Its data.
    pub data: Data,
    /// When it was created, where that is known.
    pub created_at: Option<Timestamp>,
    /// When it ends, where that is known: the new session does not outlive it, unless its user signs in again.
    pub expires_at: Option<Timestamp>,
}

/// A cookie of another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldCookie {
    /// Its name.
    pub name: String,
    /// Its `Path`, as it was set.
    pub path: String,
    /// Its `Domain`, as it was set.
    pub domain: Option<String>,
}

impl OldCookie {
    /// A cookie of this name with `Path=/` and no `Domain`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), path: "/".into(), domain: None }
    }
}
