//! Poem 3: `CookieSession`, `ServerSession`, and the table of poem-dbsession.
//!
//! A `CookieSession` keeps its data in the cookie: use [`PoemCookie::read`]. A `ServerSession` keeps only its id there: use
//! [`PoemCookie::session_id`], load the entries with this id from the storage, and read them with [`read_entries`].

use waxseal_core::{Data, Timestamp};

use crate::{Adopted, CookieKey, ReadError, protection::Protection};

/// The longest id of a session, in bytes. Poem's own ids have 43.
const MAX_ID_BYTES: usize = 128;

/// Reads the cookie of Poem's sessions, as configured with `CookieConfig`.
#[derive(Clone, Debug)]
pub struct PoemCookie {
    name: String,
    protection: Protection,
}

impl PoemCookie {
    /// Reads plain cookies: `CookieConfig::new`.
    ///
    /// Anybody can write a plain cookie. That is safe for the id of a `ServerSession`. The data of a plain `CookieSession` never
    /// prove who somebody is.
    pub fn plain(name: impl Into<String>) -> Self {
        Self { name: name.into(), protection: Protection::Plain }
    }

    /// Reads signed cookies: `CookieConfig::signed`.
    pub fn signed(name: impl Into<String>, key: CookieKey) -> Self {
        Self { name: name.into(), protection: Protection::Signed(vec![key]) }
    }

    /// Reads encrypted cookies: `CookieConfig::private`.
    pub fn private(name: impl Into<String>, key: CookieKey) -> Self {
        Self { name: name.into(), protection: Protection::Private(vec![key]) }
    }

    /// Also accepts cookies that were made with an older key.
    #[must_use]
    pub fn or_key(mut self, key: CookieKey) -> Self {
        self.protection.or_key(key);
        self
    }

    /// The name of the cookie.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads the data of a `CookieSession` from the cookie's value. The cookie does not contain a time: limit the session with
    /// the application's `max_age`, using [`Adopted::ends_at`].
    ///
    /// A plain cookie is refused as not authentic; see [`read_unprotected`](Self::read_unprotected).
    pub fn read(&self, value: &str) -> Result<Adopted, ReadError> {
        if matches!(self.protection, Protection::Plain) {
            return Err(ReadError::NotAuthentic);
        }
        self.read_unprotected(value)
    }

    /// Like [`read`](Self::read), but also reads plain cookies. The client can forge their data: take a language or a shopping
    /// basket from them, but never a user.
    pub fn read_unprotected(&self, value: &str) -> Result<Adopted, ReadError> {
        let json = self.protection.open(&self.name, value)?;
        entries(json.as_bytes()).map(Adopted::new)
    }

    /// Reads the id of a `ServerSession` from the cookie's value. It is the key in the storage.
    pub fn session_id(&self, value: &str) -> Result<String, ReadError> {
        let id = self.protection.open(&self.name, value)?;
        let clean = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if clean && (1..=MAX_ID_BYTES).contains(&id.len()) { Ok(id) } else { Err(ReadError::NotAuthentic) }
    }
}

/// Reads the entries of a `ServerSession` as JSON: the column `session` of poem-dbsession's table `poem_sessions`, or what
/// another `SessionStorage` stores. `expires_at` is the column `expires`.
pub fn read_entries(
    id: &str,
    json: &[u8],
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Adopted, ReadError> {
    if expires_at.is_some_and(|end| now >= end) {
        return Err(ReadError::Expired);
    }
    Ok(Adopted { expires_at, retire: Some(id.to_owned()), ..Adopted::new(entries(json)?) })
}

fn entries(json: &[u8]) -> Result<Data, ReadError> {
    serde_json::from_slice(json).map_err(|_| ReadError::Form)
}
