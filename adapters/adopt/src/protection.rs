//! Cookies as the `cookie` crate protects them: plain, signed or private.

use std::fmt;

use cookie::{Cookie, CookieJar};

pub use cookie::Key as CookieKey;

use crate::ReadError;

/// How another system protects its cookie, with the keys.
///
/// [`CookieKey`] is the type of the `cookie` crate. tower-sessions calls it `Key` and Poem `CookieKey`. Make it in the same way
/// as the other system does: `CookieKey::from`, or `CookieKey::derive_from`.
#[derive(Clone)]
pub(crate) enum Protection {
    Plain,
    Signed(Vec<CookieKey>),
    Private(Vec<CookieKey>),
}

impl Protection {
    /// The cookie's content. `raw` is its value in the request's header, which may be percent-encoded.
    pub(crate) fn open(&self, name: &str, raw: &str) -> Result<String, ReadError> {
        let cookie = parse(name, raw).ok_or(ReadError::NotAuthentic)?;
        let jar = CookieJar::new();
        let opened = match self {
            Self::Plain => Some(cookie),
            Self::Signed(keys) => keys.iter().find_map(|key| jar.signed(key).verify(cookie.clone())),
            Self::Private(keys) => keys.iter().find_map(|key| jar.private(key).decrypt(cookie.clone())),
        };
        opened.map(|cookie| cookie.value().to_owned()).ok_or(ReadError::NotAuthentic)
    }

    pub(crate) fn or_key(&mut self, key: CookieKey) {
        match self {
            Self::Plain => {}
            Self::Signed(keys) | Self::Private(keys) => keys.push(key),
        }
    }
}

/// A cookie from its name and the value in the header.
pub(crate) fn parse(name: &str, raw: &str) -> Option<Cookie<'static>> {
    // A semicolon would end the value.
    if raw.contains(';') {
        return None;
    }
    let parsed = Cookie::parse_encoded(format!("name={raw}")).ok()?;
    Some(Cookie::new(name.to_owned(), parsed.value().to_owned()))
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::Signed(_) => "Signed",
            Self::Private(_) => "Private",
        })
    }
}
