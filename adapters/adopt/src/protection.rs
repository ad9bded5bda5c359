//! Cookies as the `cookie` crate protects them: plain, signed or private.

use std::fmt;

use cookie::CookieJar;

use crate::{CookieKey, ReadError, raw::parse};

/// How another system protects its cookie, with the keys.
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

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::Signed(_) => "Signed",
            Self::Private(_) => "Private",
        })
    }
}
