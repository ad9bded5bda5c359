//! Rows of a database store that protects its data like Plug's cookie store.

use waxseal_core::{Timestamp, Value};

use super::{PlugReader, ReadError, TermError, decode_term};
use crate::Adopted;

/// The length of the id in the cookie, in characters.
const ID_CHARS: usize = 128;

/// A row of the table `sessions`.
#[derive(Clone, Copy)]
pub struct PlugRow<'a> {
    /// The column `session_cookie`: the id, unencrypted.
    pub id: &'a str,
    /// The column `data`.
    pub data: &'a [u8],
    /// The column `valid_from`, if it is known.
    pub valid_from: Option<Timestamp>,
    /// The column `valid_to`.
    pub valid_to: Timestamp,
}

/// Reads the rows of a database store. The cookie contains the id, unencrypted; the data are signed, encrypted or plain.
#[derive(Clone, Debug)]
pub struct PlugRows {
    /// `None`: the data are not protected.
    reader: Option<PlugReader>,
}

impl PlugRows {
    /// Reads signed or encrypted data. `reader` is a reader for session cookies, with the store's salts.
    #[must_use]
    pub fn new(reader: PlugReader) -> Self {
        Self { reader: Some(reader) }
    }

    /// Reads unprotected data: the term in URL-safe base64. Only the database protects them.
    #[must_use]
    pub fn plain() -> Self {
        Self { reader: None }
    }

    /// Reads a row. It is expired once `now` has reached `valid_to`.
    pub fn read(&self, row: PlugRow<'_>, now: Timestamp) -> Result<Adopted, ReadError> {
        let value = match &self.reader {
            Some(reader) => reader.read(row.data, now)?.value,
            None => plain(row.data)?,
        };
        if now >= row.valid_to {
            return Err(ReadError::Expired);
        }
        let Value::Map(data) = value else { return Err(TermError::NotAMap.into()) };
        Ok(Adopted {
            created_at: row.valid_from,
            expires_at: Some(row.valid_to),
            retire: Some(row.id.to_owned()),
            ..Adopted::new(data)
        })
    }
}

/// The term in base64, with or without padding.
fn plain(text: &[u8]) -> Result<Value, ReadError> {
    let unpadded = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last.saturating_add(1));
    let text = text.get(..unpadded).unwrap_or_default();
    let bytes = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text).map_err(|_| ReadError::NotAuthentic)?;
    Ok(decode_term(&bytes)?)
}

/// Whether the value of a cookie can be the id of a row: 128 characters of base64. Ask the database only for such values.
pub fn is_row_id(cookie: &str) -> bool {
    cookie.len() == ID_CHARS
        && cookie.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_'))
}
