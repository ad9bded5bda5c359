//! Keys, derived from `secret_key_base` and a salt as `Plug.Crypto.KeyGenerator` does.

use std::fmt;

use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

/// The longest key that can be derived, in bytes.
const MAX_LENGTH: usize = 1024;

/// Why keys cannot be derived with these options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// `secret_key_base` is empty.
    #[error("secret_key_base is empty")]
    NoSecret,
    /// There are no iterations.
    #[error("the number of iterations is 0")]
    NoIterations,
    /// The key length is 0 or too large.
    #[error("a key must be 1 to {MAX_LENGTH} bytes long")]
    Length,
    /// The key length does not fit an encryption key.
    #[error("an encryption key must be 16, 24 or at least 32 bytes long")]
    EncryptionLength,
}

/// The hash function of the key derivation (`key_digest` in Plug). Plug's default is SHA-256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Digest {
    /// SHA-256, `:sha256`.
    #[default]
    Sha256,
    /// SHA-384, `:sha384`.
    Sha384,
    /// SHA-512, `:sha512`.
    Sha512,
}

/// `secret_key_base`, and how keys are derived from it.
///
/// The defaults are Plug's: PBKDF2 with HMAC-SHA256, 1000 iterations, keys of 32 bytes. The secret is erased from memory when
/// this is dropped, and `Debug` does not show it.
#[derive(Clone)]
pub struct PlugKeys {
    secret_key_base: Zeroizing<Vec<u8>>,
    iterations: u32,
    length: usize,
    digest: Digest,
}

impl PlugKeys {
    /// Keys from `secret_key_base`, with Plug's defaults.
    pub fn new(secret_key_base: impl Into<Vec<u8>>) -> Self {
        Self {
            secret_key_base: Zeroizing::new(secret_key_base.into()),
            iterations: 1000,
            length: 32,
            digest: Digest::Sha256,
        }
    }

    /// Sets the number of iterations: `key_iterations` in Plug.
    #[must_use]
    pub fn iterations(mut self, iterations: u32) -> Self {
        self.iterations = iterations;
        self
    }

    /// Sets the length of the keys in bytes: `key_length` in Plug.
    #[must_use]
    pub fn length(mut self, length: usize) -> Self {
        self.length = length;
        self
    }

    /// Sets the hash function: `key_digest` in Plug.
    #[must_use]
    pub fn digest(mut self, digest: Digest) -> Self {
        self.digest = digest;
        self
    }

    pub(super) fn derive(&self, salt: &[u8]) -> Result<Key, OptionsError> {
        if self.secret_key_base.is_empty() {
            return Err(OptionsError::NoSecret);
        }
        if self.iterations == 0 {
            return Err(OptionsError::NoIterations);
        }
        if !(1..=MAX_LENGTH).contains(&self.length) {
            return Err(OptionsError::Length);
        }
        let mut key = Zeroizing::new(vec![0; self.length]);
        match self.digest {
            Digest::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(&self.secret_key_base, salt, self.iterations, &mut key),
            Digest::Sha384 => pbkdf2::pbkdf2_hmac::<Sha384>(&self.secret_key_base, salt, self.iterations, &mut key),
            Digest::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(&self.secret_key_base, salt, self.iterations, &mut key),
        }
        Ok(Key(key))
    }

    /// A key that encrypts. Plug uses the first 32 bytes of a longer one.
    pub(super) fn derive_encryption(&self, salt: &[u8]) -> Result<Key, OptionsError> {
        let Key(mut key) = self.derive(salt)?;
        key.truncate(32);
        if matches!(key.len(), 16 | 24 | 32) { Ok(Key(key)) } else { Err(OptionsError::EncryptionLength) }
    }
}

impl fmt::Debug for PlugKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlugKeys")
            .field("iterations", &self.iterations)
            .field("length", &self.length)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

/// A derived key.
#[derive(Clone)]
pub(super) struct Key(pub(super) Zeroizing<Vec<u8>>);

#[cfg(test)]
mod tests {
    use super::*;

    fn base64(text: &str) -> Vec<u8> {
        base64_simd::STANDARD.decode_to_vec(text).unwrap()
    }

    #[test]
    fn keys_are_those_of_plug() {
        let secret = "fixture-secret-key-base-".repeat(4);
        let keys = PlugKeys::new(secret);
        assert_eq!(
            *keys.derive(b"fixture signing salt").unwrap().0,
            base64("G0HJZD5aHE/D1t/NniTQHU4+KAqytZMSYq6sxT/h3uA=")
        );
        assert_eq!(
            *keys.derive_encryption(b"fixture encryption salt").unwrap().0,
            base64("6pPewceWranX7HHwUR697/QvwZYBt+ZSC1xHyepN9m8=")
        );
    }

    #[test]
    fn options_that_make_no_key_are_refused() {
        let keys = PlugKeys::new("secret");
        assert_eq!(PlugKeys::new("").derive(b"").err(), Some(OptionsError::NoSecret));
        assert_eq!(keys.clone().iterations(0).derive(b"").err(), Some(OptionsError::NoIterations));
        assert_eq!(keys.clone().length(0).derive(b"").err(), Some(OptionsError::Length));
        assert_eq!(keys.clone().length(1 << 30).derive(b"").err(), Some(OptionsError::Length));
        assert_eq!(keys.clone().length(20).derive_encryption(b"").err(), Some(OptionsError::EncryptionLength));
        assert_eq!(keys.clone().length(64).derive_encryption(b"").unwrap().0.len(), 32);
        assert!(!format!("{keys:?}").contains("secret\""));
    }
}
