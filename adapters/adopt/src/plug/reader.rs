//! Reads cookies and tokens of Plug and Phoenix.

use std::{fmt, time::Duration};

use waxseal_core::{Data, Timestamp, Value};
use zeroize::Zeroizing;

use super::{Algorithm, OptionsError, PlugKeys, TermError, term::Term, token::Envelope};
use crate::Adopted;

/// How long a token without a maximum age of its own is valid, in seconds. Plug's default.
const DEFAULT_MAX_AGE: u64 = 86_400;

/// Why a text was refused.
///
/// The text of the error shows neither a key nor a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// None of the reader's keys made this text, or it was changed.
    #[error("the text was not made with any of the keys, or it was changed")]
    NotAuthentic,
    /// The text is authentic, but its term cannot be a session value.
    #[error("the text is authentic, but its term cannot be read: {0}")]
    Term(#[from] TermError),
    /// The token is authentic, but it does not have the form of Plug's tokens.
    #[error("the text is authentic, but it is not a token of Plug")]
    Form,
    /// The text is authentic, but too old.
    #[error("the text is authentic, but expired")]
    Expired,
}

/// The content of an authentic text.
///
/// `Debug` shows the kind of the value only.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Opened {
    /// The value: for a session cookie its map, for a token or another cookie the signed value.
    pub value: Value,
    /// When it was made. `None` for session cookies, which do not record it.
    pub signed_at: Option<Timestamp>,
    /// When it expires. `None` for session cookies, which do not record it, and for tokens that never expire.
    pub expires_at: Option<Timestamp>,
}

impl Opened {
    /// The session's data, or `None` if the value is not a map.
    pub fn into_data(self) -> Option<Data> {
        if let Value::Map(data) = self.value { Some(data) } else { None }
    }

    /// The session to adopt, or `None` if the value is not a map.
    pub fn into_adopted(self) -> Option<Adopted> {
        let (created_at, expires_at) = (self.signed_at, self.expires_at);
        self.into_data().map(|data| Adopted { created_at, expires_at, ..Adopted::new(data) })
    }
}

/// What is inside the envelope.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Payload {
    /// The term itself.
    Session,
    /// A tuple of the term, the time in milliseconds, and the maximum age in seconds.
    Token,
}

/// The oldest text that a reader accepts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MaxAge {
    /// The age that the text itself allows.
    Own,
    Fixed(Duration),
    Infinite,
}

/// Reads session cookies, other cookies and tokens of Plug and Phoenix, made by plug_crypto 1 or 2.
///
/// A reader reads one kind of text. [`or`](Self::or) adds older secrets or salts. Keys are derived once, when the reader is
/// built.
///
/// ```
/// use waxseal_adopt::{plug::{PlugKeys, PlugReader}, subject_of};
/// use waxseal_core::Timestamp;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = PlugKeys::new("fixture-secret-key-base-".repeat(4));
/// let reader = PlugReader::signed_session(&keys, "fixture signing salt")?;
///
/// let cookie = "SFMyNTY.g3QAAAACbQAAAAZsb2NhbGVtAAAAAmRlbQAAAAd1c2VyX2lkbQAAAAI0Mg.j5v6F6_3a_gP5W6Eas1JxUKwf66T0mpxXlu67riv4Lk";
/// let session = reader.read(cookie.as_bytes(), Timestamp::from_unix_seconds(1_790_000_000))?.into_data().unwrap();
/// assert_eq!(session.value("user_id").and_then(subject_of).as_deref(), Some("42"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PlugReader {
    envelopes: Vec<(Envelope, Payload)>,
    max_age: MaxAge,
}

impl PlugReader {
    fn new(envelope: Envelope, payload: Payload) -> Self {
        Self { envelopes: vec![(envelope, payload)], max_age: MaxAge::Own }
    }

    fn signed(keys: &PlugKeys, salt: &str, payload: Payload) -> Result<Self, OptionsError> {
        let key = keys.derive(salt.as_bytes())?;
        Ok(Self::new(Envelope::Signed { key, algorithm: Algorithm::Hs256 }, payload))
    }

    /// Reads the session cookie of an application whose `Plug.Session` has `store: :cookie` and a `signing_salt`.
    ///
    /// These cookies do not contain a time. To limit the session, use the cookie's `max_age` from the application's
    /// configuration, if there is one.
    pub fn signed_session(keys: &PlugKeys, signing_salt: &str) -> Result<Self, OptionsError> {
        Self::signed(keys, signing_salt, Payload::Session)
    }

    /// Reads the session cookie of an application whose `Plug.Session` has `store: :cookie` and an `encryption_salt` too.
    pub fn encrypted_session(keys: &PlugKeys, encryption_salt: &str, signing_salt: &str) -> Result<Self, OptionsError> {
        let key = keys.derive_encryption(encryption_salt.as_bytes())?;
        let signing = keys.derive(signing_salt.as_bytes())?.0;
        Ok(Self::new(Envelope::Encrypted { key, signing }, Payload::Session))
    }

    /// Reads what `Phoenix.Token.sign` or `Plug.Crypto.sign` made with this salt.
    pub fn signed_token(keys: &PlugKeys, salt: &str) -> Result<Self, OptionsError> {
        Self::signed(keys, salt, Payload::Token)
    }

    /// Reads what `Phoenix.Token.encrypt` or `Plug.Crypto.encrypt` made with this salt.
    pub fn encrypted_token(keys: &PlugKeys, salt: &str) -> Result<Self, OptionsError> {
        let key = keys.derive_encryption(salt.as_bytes())?;
        Ok(Self::new(Envelope::Encrypted { key, signing: Zeroizing::default() }, Payload::Token))
    }

    /// Reads the cookie of this name that `put_resp_cookie` made with `sign: true`.
    pub fn signed_cookie(keys: &PlugKeys, name: &str) -> Result<Self, OptionsError> {
        Self::signed_token(keys, &format!("{name}_cookie"))
    }

    /// Reads the cookie of this name that `put_resp_cookie` made with `encrypt: true`.
    pub fn encrypted_cookie(keys: &PlugKeys, name: &str) -> Result<Self, OptionsError> {
        Self::encrypted_token(keys, &format!("{name}_cookie"))
    }

    /// Accepts signatures with this algorithm instead of HMAC-SHA256. Encrypted texts have no signature.
    #[must_use]
    pub fn algorithm(mut self, chosen: Algorithm) -> Self {
        for (envelope, _) in &mut self.envelopes {
            if let Envelope::Signed { algorithm, .. } = envelope {
                *algorithm = chosen;
            }
        }
        self
    }

    /// Also accepts what `older` accepts: an earlier secret, or `rotating_options` in Plug. This reader's maximum age applies to
    /// both.
    #[must_use]
    pub fn or(mut self, older: Self) -> Self {
        self.envelopes.extend(older.envelopes);
        self
    }

    /// Sets how old a token may be, whatever the token says: `max_age` of `Phoenix.Token.verify`. Session cookies do not record
    /// their age, so this does not limit them.
    #[must_use]
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = MaxAge::Fixed(max_age);
        self
    }

    /// Accepts tokens of any age: `max_age: :infinity` of `Phoenix.Token.verify`.
    #[must_use]
    pub fn any_age(mut self) -> Self {
        self.max_age = MaxAge::Infinite;
        self
    }

    /// Reads a token, or the value of a cookie.
    pub fn read(&self, text: &[u8], now: Timestamp) -> Result<Opened, ReadError> {
        let (bytes, payload) = self
            .envelopes
            .iter()
            .find_map(|(envelope, payload)| Some((envelope.open(text)?, *payload)))
            .ok_or(ReadError::NotAuthentic)?;
        let term = Term::decode(&bytes)?;
        match payload {
            Payload::Session => Ok(Opened { value: term.to_value()?, signed_at: None, expires_at: None }),
            Payload::Token => self.token(&term, now),
        }
    }

    fn token(&self, term: &Term<'_>, now: Timestamp) -> Result<Opened, ReadError> {
        let (value, signed_at, own) = token_parts(term).ok_or(ReadError::Form)?;
        let max_age = match self.max_age {
            MaxAge::Own => own,
            MaxAge::Fixed(max_age) => Some(u64::try_from(max_age.as_millis()).unwrap_or(u64::MAX)),
            MaxAge::Infinite => None,
        };
        let expires_at = max_age.map(|max_age| signed_at.saturating_add(max_age));
        // As in Plug: valid until and including the end, and never valid with a maximum age of 0.
        if max_age == Some(0) || expires_at.is_some_and(|end| end < now.unix_ms()) {
            return Err(ReadError::Expired);
        }
        Ok(Opened {
            value: value.to_value()?,
            signed_at: Some(Timestamp::from_unix_ms(signed_at)),
            expires_at: expires_at.map(Timestamp::from_unix_ms),
        })
    }
}

/// The value, when it was signed, and its maximum age, both in milliseconds. Old versions wrote no maximum age.
fn token_parts<'t, 'a>(term: &'t Term<'a>) -> Option<(&'t Term<'a>, u64, Option<u64>)> {
    let Term::Sequence(parts) = term else { return None };
    let (value, signed_at, max_age) = match parts.as_slice() {
        [value, signed_at, max_age] => (value, signed_at, milliseconds(max_age)?),
        [value, signed_at] => (value, signed_at, Some(DEFAULT_MAX_AGE.saturating_mul(1000))),
        _ => return None,
    };
    let signed_at = match signed_at {
        Term::Integer(milliseconds) => u64::try_from(*milliseconds).unwrap_or(0),
        Term::Unsigned(milliseconds) => *milliseconds,
        _ => return None,
    };
    Some((value, signed_at, max_age))
}

/// A maximum age, written in seconds. The inner `None` is no limit, the outer one is an error.
fn milliseconds(max_age: &Term<'_>) -> Option<Option<u64>> {
    match max_age {
        Term::Integer(seconds) => Some(Some(u64::try_from(*seconds).unwrap_or(0).saturating_mul(1000))),
        Term::Unsigned(seconds) => Some(Some(seconds.saturating_mul(1000))),
        // The conversion saturates; a negative age is none.
        Term::Float(seconds) => Some(Some((seconds * 1000.0) as u64)),
        Term::Atom(name) if name == "infinity" => Some(None),
        _ => None,
    }
}

impl fmt::Debug for PlugReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlugReader").field("keys", &self.envelopes.len()).finish_non_exhaustive()
    }
}
