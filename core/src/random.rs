//! Random values of fixed size: the session secret and the nonce of one envelope.

use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// The session secret: 32 random bytes that exist only in the cookie. The row id and the row's key are derived from it.
///
/// Wiped from memory when dropped; `Debug` shows nothing of it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; 32]);

impl Secret {
    /// From 32 bytes of a cryptographically secure random source.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// The nonce of one sealed envelope: 24 random bytes, used once.
///
/// A nonce must never be used twice with one key, so it is neither `Clone` nor `Copy`, and sealing consumes it. Random nonces of
/// this length do not collide in practice: C2SP's XAES-256-GCM allows 2^80 messages per key. A signed envelope does not use it.
#[derive(Debug)]
pub struct Nonce([u8; Self::LEN]);

impl Nonce {
    pub(crate) const LEN: usize = 24;

    /// From 24 bytes of a cryptographically secure random source, fresh for each envelope.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

/// The operating system gave no random bytes.
#[cfg(feature = "getrandom")]
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the operating system gave no random bytes: {0}")]
pub struct RandomError(getrandom::Error);

#[cfg(feature = "getrandom")]
pub(crate) fn random<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(RandomError)?;
    Ok(bytes)
}

#[cfg(feature = "getrandom")]
impl Secret {
    /// A new secret from the operating system's random source.
    pub fn random() -> Result<Self, RandomError> {
        random().map(Self)
    }
}

#[cfg(feature = "getrandom")]
impl Nonce {
    /// A new nonce from the operating system's random source.
    pub fn random() -> Result<Self, RandomError> {
        random().map(Self)
    }
}
