//! The subkeys of a root key: one pair for cookies, one pair for rows, and one key for feeds, so that none can pass for another.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit};
use sha2::Sha256;
use xaes_256_gcm::Xaes256Gcm;
use zeroize::Zeroizing;

use crate::{Secret, envelope::Keys};

/// The length of a subkey, in bytes.
pub(crate) const LEN: usize = 32;

/// The `info` of each subkey's derivation.
pub(crate) mod info {
    pub(crate) const COOKIE_SEAL: &[u8] = b"cookie-seal";
    pub(crate) const COOKIE_SIGN: &[u8] = b"cookie-sign";
    pub(crate) const ROW_SEAL: &[u8] = b"row-seal";
    pub(crate) const ROW_SIGN: &[u8] = b"row-sign";
    pub(crate) const FEED_SIGN: &[u8] = b"feed-sign";
    /// Not part of the format: no edge derives it.
    pub(crate) const ADOPT: &[u8] = b"adopt";
}

/// The keys of cookies, prepared once.
#[derive(Clone)]
pub(crate) struct CookieKeys {
    seal: Xaes256Gcm,
    sign: Hmac<Sha256>,
}

impl CookieKeys {
    pub(crate) fn new(seal: &[u8; LEN], sign: &[u8; LEN]) -> Option<Self> {
        Some(Self { seal: Xaes256Gcm::new(seal.into()), sign: Hmac::new_from_slice(sign).ok()? })
    }
}

impl Keys for CookieKeys {
    fn with_cipher<R>(&self, f: impl FnOnce(&Xaes256Gcm) -> Option<R>) -> Option<R> {
        f(&self.seal)
    }

    fn mac(&self) -> Hmac<Sha256> {
        self.sign.clone()
    }

    fn secret(&self) -> Option<&Secret> {
        None
    }
}

/// The key of the feed of ended sessions, which is signed and never sealed.
#[derive(Clone)]
pub(crate) struct FeedKeys {
    sign: Hmac<Sha256>,
}

impl FeedKeys {
    pub(crate) fn new(sign: &[u8; LEN]) -> Option<Self> {
        Some(Self { sign: Hmac::new_from_slice(sign).ok()? })
    }
}

impl Keys for FeedKeys {
    fn with_cipher<R>(&self, _: impl FnOnce(&Xaes256Gcm) -> Option<R>) -> Option<R> {
        None
    }

    fn mac(&self) -> Hmac<Sha256> {
        self.sign.clone()
    }

    fn secret(&self) -> Option<&Secret> {
        None
    }
}

impl<T: Keys> Keys for &T {
    fn with_cipher<R>(&self, f: impl FnOnce(&Xaes256Gcm) -> Option<R>) -> Option<R> {
        (*self).with_cipher(f)
    }

    fn mac(&self) -> Hmac<Sha256> {
        (*self).mac()
    }

    fn secret(&self) -> Option<&Secret> {
        (*self).secret()
    }
}

/// The keys from which, together with a session secret, the keys of that session's row are derived.
#[derive(Clone)]
pub(crate) struct RowKeys {
    /// The pseudorandom key of HKDF (RFC 5869, 2.3): a subkey is uniformly random already, so there is nothing to extract.
    seal: Hkdf<Sha256>,
    sign: Hmac<Sha256>,
}

impl RowKeys {
    pub(crate) fn new(seal: &[u8; LEN], sign: &[u8; LEN]) -> Option<Self> {
        Some(Self { seal: Hkdf::from_prk(seal).ok()?, sign: Hmac::new_from_slice(sign).ok()? })
    }

    /// The keys of the row that belongs to `secret`.
    pub(crate) fn of<'a>(&'a self, secret: &'a Secret) -> SessionRowKeys<'a> {
        SessionRowKeys { keys: self, secret }
    }
}

/// The keys of one session's row. Without the secret, which only the cookie has, there are none.
pub(crate) struct SessionRowKeys<'a> {
    keys: &'a RowKeys,
    secret: &'a Secret,
}

impl Keys for SessionRowKeys<'_> {
    fn with_cipher<R>(&self, f: impl FnOnce(&Xaes256Gcm) -> Option<R>) -> Option<R> {
        let mut key = Zeroizing::new([0; LEN]);
        self.keys.seal.expand_multi_info(&[b"row", &[0], self.secret.as_bytes()], key.as_mut()).ok()?;
        let key: &[u8; LEN] = &key;
        f(&Xaes256Gcm::new(key.into()))
    }

    fn mac(&self) -> Hmac<Sha256> {
        self.keys.sign.clone()
    }

    fn secret(&self) -> Option<&Secret> {
        Some(self.secret)
    }
}
