//! Root keys: 32 random bytes each, read from text, and refused if they do not look random.

use alloc::{string::String, vec::Vec};
use core::{fmt, str};

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::encoding;

/// The salt of every derivation from a root key.
const SALT: &[u8] = b"waxseal/v1";

/// How to make a key; every message of a refused key ends with it.
const HOW: &str = "make one with `openssl rand -base64 32 | tr '+/' '-_' | tr -d '='` or RootKey::generate()";

/// Which root key an envelope was made with: 4 bytes derived from the key, so that opening is one look-up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 4]);

impl KeyId {
    pub(crate) const LEN: usize = 4;

    /// The four bytes.
    pub const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for KeyId {
    /// Eight hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// Why a key was refused. No message shows any of the key.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no key at all.
    #[error("there is no key; {HOW}")]
    Empty,
    /// The text is not canonical base64url without padding.
    #[error("key {number} is not base64url without padding (A-Z a-z 0-9 - _); {HOW}")]
    Encoding {
        /// Which key, counted from 1.
        number: usize,
    },
    /// The key is not 32 bytes long.
    #[error("key {number} is {bytes} bytes long, not 32; {HOW}")]
    Length {
        /// Which key, counted from 1.
        number: usize,
        /// Its length in bytes.
        bytes: usize,
    },
    /// The text is 64 hexadecimal digits.
    #[error("key {number} is written in hexadecimal, not base64url; {HOW}")]
    Hexadecimal {
        /// Which key, counted from 1.
        number: usize,
    },
    /// The bytes do not look random: one byte repeated, a sequence, or words.
    #[error("key {number} does not look random ({reason}); {HOW}")]
    NotRandom {
        /// Which key, counted from 1.
        number: usize,
        /// The pattern that was found.
        reason: &'static str,
    },
    /// Two keys are the same, or by rare chance have the same key id.
    #[error("keys {first} and {second} are the same or share a key id; leave one out")]
    Duplicate {
        /// The earlier key, counted from 1.
        first: usize,
        /// The later key, counted from 1.
        second: usize,
    },
    /// The text is not an export of edge keys.
    #[error(
        "edge key {number} is damaged or not an edge key; export them again with Keyring::export_edge_keys (never use a root key at the edge)"
    )]
    NotAnEdgeKey {
        /// Which key, counted from 1.
        number: usize,
    },
}

/// The same as `Display`, because a `main` that returns an error prints it with `Debug`.
impl core::fmt::Debug for KeyError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

/// A root key, from which every key of a [`Keyring`](crate::Keyring) is derived. Wiped from memory when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct RootKey([u8; 32]);

impl RootKey {
    /// A key from 32 random bytes. An error if they do not look random.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, KeyError> {
        Self::checked(Self(bytes), 1)
    }

    /// A new key from the operating system's random source.
    #[cfg(feature = "getrandom")]
    pub fn generate() -> Result<Self, crate::RandomError> {
        crate::random::random().map(Self)
    }

    /// Reads a key from base64url text. `number` names the key in an error.
    pub(crate) fn parse(text: &str, number: usize) -> Result<Self, KeyError> {
        if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(KeyError::Hexadecimal { number });
        }
        let bytes = encoding::from_base64(text.as_bytes()).map(Zeroizing::new).ok_or(KeyError::Encoding { number })?;
        match <[u8; 32]>::try_from(bytes.as_slice()) {
            Ok(bytes) => Self::checked(Self(bytes), number),
            Err(_) => Err(KeyError::Length { number, bytes: bytes.len() }),
        }
    }

    /// The key as text, in the form that [`Keyring::from_text`](crate::Keyring::from_text) reads. Keep it like a password.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(encoding::to_base64(&self.0))
    }

    /// The key id.
    pub fn id(&self) -> KeyId {
        let mut id = [0; KeyId::LEN];
        self.derive(b"key-id", &mut id);
        KeyId(id)
    }

    pub(crate) fn subkey(&self, info: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        self.derive(info, key.as_mut());
        key
    }

    fn derive(&self, info: &[u8], out: &mut [u8]) {
        // HKDF-SHA256 fails only for outputs over 255 * 32 bytes (RFC 5869, 2.3); ours are 4 and 32.
        let fits = Hkdf::<Sha256>::new(Some(SALT), &self.0).expand(info, out);
        debug_assert!(fits.is_ok());
    }

    /// The chance that 32 random bytes fail a check is under 2^-43 for each of them.
    fn checked(self, number: usize) -> Result<Self, KeyError> {
        let bytes = &self.0;
        let distinct = (0..=u8::MAX).filter(|b| bytes.contains(b)).count();
        let (left, right) = bytes.split_at(16);
        let steady = |step: fn(u8, u8) -> u8| {
            let mut steps = bytes.windows(2).map(|pair| match pair {
                [a, b] => step(*a, *b),
                _ => 0,
            });
            let first = steps.next();
            steps.all(|s| Some(s) == first)
        };
        let reason = if distinct == 1 {
            "one byte repeated"
        } else if bytes.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) {
            "it is readable text"
        } else if left == right {
            "one half repeated"
        } else if steady(|a, b| b.wrapping_sub(a)) {
            "a plain sequence"
        } else if distinct < 16 {
            "few different bytes"
        } else {
            return Ok(self);
        };
        Err(KeyError::NotRandom { number, reason })
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKey({}, redacted)", self.id())
    }
}

/// The entries of a key list: one a line or separated by commas, an optional `label:` before each, `#` comments to the
/// end of a line.
pub(crate) fn entries(text: &str) -> Vec<&str> {
    let mut entries = Vec::new();
    for line in text.split('\n') {
        let line = line.split('#').next().unwrap_or_default();
        for entry in line.split(',') {
            let key = entry.rsplit(':').next().unwrap_or_default().trim_ascii();
            if !key.is_empty() {
                entries.push(key);
            }
        }
    }
    entries
}

/// Refuses a list with two equal key ids.
pub(crate) fn check_distinct(ids: &[KeyId]) -> Result<(), KeyError> {
    for (second, id) in ids.iter().enumerate() {
        if let Some(first) = ids.iter().take(second).position(|other| other == id) {
            return Err(KeyError::Duplicate { first: first.saturating_add(1), second: second.saturating_add(1) });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn refusal(bytes: [u8; 32]) -> &'static str {
        match RootKey::from_bytes(bytes) {
            Err(KeyError::NotRandom { reason, .. }) => reason,
            other => std::panic!("{other:?}"),
        }
    }

    #[test]
    fn keys_that_do_not_look_random_are_refused() {
        assert_eq!(refusal([0; 32]), "one byte repeated");
        assert_eq!(refusal(*b"correct horse battery staple 123"), "it is readable text");
        assert_eq!(refusal(core::array::from_fn(|i| i as u8)), "a plain sequence");
        assert_eq!(refusal(core::array::from_fn(|i| (i as u8).wrapping_mul(255))), "a plain sequence");
        assert_eq!(refusal(core::array::from_fn(|i| (i as u8 % 15).wrapping_mul(99))), "few different bytes");
        assert_eq!(refusal(core::array::from_fn(|i| ((i % 16) as u8).wrapping_mul(0x9d) ^ 0x80)), "one half repeated");
    }

    #[test]
    fn generated_keys_pass() {
        for _ in 0..200 {
            let key = RootKey::generate().unwrap();
            assert!(RootKey::parse(&key.to_text(), 1).is_ok());
        }
    }

    #[test]
    fn every_refusal_says_how_to_make_a_key_and_shows_none() {
        for text in ["short", "a+b/", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"] {
            let error = RootKey::parse(text, 3).unwrap_err().to_string();
            assert!(error.contains("openssl rand") && error.contains("key 3"), "{error}");
            assert_eq!(
                alloc::format!("{:?}", RootKey::parse(text, 3).unwrap_err()),
                error,
                "what a failing `main` shows"
            );
            assert!(!error.contains(text), "{error}");
        }
    }

    #[test]
    fn lists_take_lines_commas_labels_and_comments() {
        let list = "# the keys\n2026-11: AAA , old:BBB\n\n  CCC # retired in May\n";
        assert_eq!(entries(list), ["AAA", "BBB", "CCC"]);
    }

    #[test]
    fn debug_shows_no_key() {
        let key = RootKey::generate().unwrap();
        assert!(!alloc::format!("{key:?}").contains(&*key.to_text()));
    }
}
