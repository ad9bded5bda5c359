//! Random values of fixed size: the session secret and the salt of one seal.

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

/// The salt of one seal: 24 random bytes, used once.
///
/// It makes the AES key of each seal single-use, so it must never serve twice under one key: it is neither `Clone` nor
/// `Copy`, and sealing consumes it.
#[derive(Debug)]
pub struct Salt([u8; 24]);

impl Salt {
    /// From 24 bytes of a cryptographically secure random source, fresh for each seal.
    pub const fn from_bytes(bytes: [u8; 24]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 24] {
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
    /// A fresh secret from the operating system.
    pub fn random() -> Result<Self, RandomError> {
        random().map(Self)
    }
}

#[cfg(feature = "getrandom")]
impl Salt {
    /// A fresh salt from the operating system.
    pub fn random() -> Result<Self, RandomError> {
        random().map(Self)
    }
}
