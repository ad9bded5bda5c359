//! tower-sessions 0.10 to 0.15: its cookies, the records of tower-sessions-sqlx-store, and axum-login.
//!
//! The cookie holds the session's id: [`TowerSessionsCookie`] reads it. Load the column `data` of the row with this id, from
//! the table `tower_sessions`, and read it with [`read_record`].

use serde::Deserialize;
use waxseal_core::{Data, Timestamp, Value};

use crate::{Adopted, CookieKey, ReadError, moment::Moment, protection::Protection, subject_of};

/// The session key under which axum-login keeps who is signed in, unless `with_data_key` chose another.
pub const AXUM_LOGIN_KEY: &str = "axum-login.data";

/// Reads the cookie of tower-sessions.
#[derive(Clone, Debug)]
pub struct TowerSessionsCookie {
    name: String,
    protection: Protection,
}

impl TowerSessionsCookie {
    /// Reads plain cookies with this name. This is the default of tower-sessions, with the name `id`.
    pub fn plain(name: impl Into<String>) -> Self {
        Self { name: name.into(), protection: Protection::Plain }
    }

    /// Reads signed cookies: `with_signed`.
    pub fn signed(name: impl Into<String>, key: CookieKey) -> Self {
        Self { name: name.into(), protection: Protection::Signed(vec![key]) }
    }

    /// Reads encrypted cookies: `with_private`.
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

    /// Reads the session's id from the cookie's value. It is the primary key of the row.
    pub fn session_id(&self, value: &str) -> Result<String, ReadError> {
        let id = self.protection.open(&self.name, value)?;
        // 16 bytes in canonical base64.
        match base64_simd::URL_SAFE_NO_PAD.decode_to_vec(&id) {
            Ok(bytes) if bytes.len() == 16 => Ok(id),
            _ => Err(ReadError::NotAuthentic),
        }
    }
}

/// The id, the data and the expiry, in this order.
#[derive(Deserialize)]
struct Record(Id, Data, Moment);

/// An `i128`, which MessagePack keeps as 16 bytes, highest first.
struct Id([u8; 16]);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i128::deserialize(deserializer).map(|id| Self(id.to_le_bytes()))
    }
}

/// Reads the column `data` of the row with this id.
///
/// The user of axum-login becomes the subject, if the data contain one under [`AXUM_LOGIN_KEY`]. If your application uses
/// [`AxumLogin::auth_hash`], compare it with the user's present one.
pub fn read_record(id: &str, data: &[u8], now: Timestamp) -> Result<Adopted, ReadError> {
    let Record(own, data, Moment(expires_at)) = rmp_serde::from_slice(data).map_err(|_| ReadError::Form)?;
    if base64_simd::URL_SAFE_NO_PAD.encode_to_string(own.0) != id {
        return Err(ReadError::OtherSession);
    }
    if now >= expires_at {
        return Err(ReadError::Expired);
    }
    let subject = AxumLogin::from_data(&data, AXUM_LOGIN_KEY).and_then(|login| login.subject());
    Ok(Adopted { subject, expires_at: Some(expires_at), retire: Some(id.to_owned()), ..Adopted::new(data) })
}

/// What axum-login keeps in a session.
///
/// `Debug` shows neither the user nor the hash.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AxumLogin {
    /// The user's id. The application chooses its type.
    pub user_id: Value,
    /// What `session_auth_hash` returned when the user signed in. If the user's present hash is different, the password was
    /// changed, and the session is not signed in.
    pub auth_hash: Option<AuthHash>,
}

impl AxumLogin {
    /// The signed-in user in the data of a session.
    pub fn from_data(data: &Data, key: &str) -> Option<Self> {
        let Value::Map(login) = data.value(key)? else { return None };
        let user_id = login.value("user_id").filter(|id| **id != Value::Null)?.clone();
        let auth_hash = login.get::<Option<Vec<u8>>>("auth_hash").ok()?.flatten().map(AuthHash);
        Some(Self { user_id, auth_hash })
    }

    /// The user's id as a subject, if it is text or an integer.
    pub fn subject(&self) -> Option<String> {
        subject_of(&self.user_id)
    }
}

/// The hash that ties a session of axum-login to the user's password.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthHash(Vec<u8>);

impl AuthHash {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for AuthHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthHash")
    }
}
