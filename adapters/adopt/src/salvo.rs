//! salvo-session 1: its cookies, its cookie store, and the tables of saysion.
//!
//! [`SalvoCookie`] checks the cookie. With a database store, get the row's id from [`SalvoCookie::row_id`], load the row's column
//! `session`, and read it with [`read_row`]. With `CookieStore`, [`SalvoCookie::read`] returns the data.

use std::collections::BTreeMap;

use base64_simd::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use waxseal_core::{Data, Timestamp, Value};

use crate::{Adopted, CookieKey, ReadError, moment::Moment, raw::parse};

/// The length of the signature before the value, in characters.
const DIGEST_CHARS: usize = 44;

/// Reads the cookie of salvo-session: a signature, followed by the store's value.
#[derive(Clone)]
pub struct SalvoCookie {
    keys: Vec<CookieKey>,
}

impl SalvoCookie {
    /// Reads cookies that were signed with this key: `CookieKey::from` the handler's secret.
    pub fn new(key: CookieKey) -> Self {
        Self { keys: vec![key] }
    }

    /// Also accepts cookies that were signed with this key: `fallback_keys`.
    #[must_use]
    pub fn or_key(mut self, key: CookieKey) -> Self {
        self.keys.push(key);
        self
    }

    /// The signed value.
    fn verify(&self, value: &str) -> Result<String, ReadError> {
        let cookie = parse("session", value).ok_or(ReadError::NotAuthentic)?;
        let (digest, value) = cookie.value().split_at_checked(DIGEST_CHARS).ok_or(ReadError::NotAuthentic)?;
        let digest = STANDARD.decode_to_vec(digest).map_err(|_| ReadError::NotAuthentic)?;
        let authentic = self.keys.iter().any(|key| {
            Hmac::<Sha256>::new_from_slice(key.signing())
                .is_ok_and(|mac| mac.chain_update(value.as_bytes()).verify_slice(&digest).is_ok())
        });
        if authentic { Ok(value.to_owned()) } else { Err(ReadError::NotAuthentic) }
    }

    /// Returns the id of the row that belongs to the cookie, from the cookie's value. The database stores a hash of the secret.
    pub fn row_id(&self, value: &str) -> Result<String, ReadError> {
        let secret = STANDARD.decode_to_vec(self.verify(value)?).map_err(|_| ReadError::NotAuthentic)?;
        Ok(STANDARD.encode_to_string(blake3::hash(&secret).as_bytes()))
    }

    /// Reads the data that `CookieStore` keeps in the cookie, from the cookie's value. A session like this has no row to delete.
    pub fn read(&self, value: &str, now: Timestamp) -> Result<Adopted, ReadError> {
        let bytes = STANDARD.decode_to_vec(self.verify(value)?).map_err(|_| ReadError::Form)?;
        let session: Session = postcard::from_bytes(&bytes).map_err(|_| ReadError::Form)?;
        session.adopted(now)
    }
}

impl std::fmt::Debug for SalvoCookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SalvoCookie").field("keys", &self.keys.len()).finish()
    }
}

/// Reads the column `session` of the row with this id. saysion's tables have the columns `id`, `expires` and `session`.
pub fn read_row(id: &str, session: &[u8], now: Timestamp) -> Result<Adopted, ReadError> {
    let session: Session = serde_json::from_slice(session).map_err(|_| ReadError::Form)?;
    if session.id != id {
        return Err(ReadError::OtherSession);
    }
    Ok(Adopted { retire: Some(id.to_owned()), ..session.adopted(now)? })
}

/// saysion's session. Its values are JSON, as text.
#[derive(Deserialize)]
struct Session {
    id: String,
    expiry: Option<Moment>,
    data: BTreeMap<String, String>,
}

impl Session {
    fn adopted(self, now: Timestamp) -> Result<Adopted, ReadError> {
        let expires_at = self.expiry.map(|Moment(end)| end);
        if expires_at.is_some_and(|end| now >= end) {
            return Err(ReadError::Expired);
        }
        let mut data = Data::new();
        for (key, text) in self.data {
            // `insert_raw` may have stored text that is not JSON.
            let value = serde_json::from_str(&text).unwrap_or(Value::Str(text));
            data.insert(&key, &value).map_err(|_| ReadError::Form)?;
        }
        Ok(Adopted { expires_at, ..Adopted::new(data) })
    }
}
