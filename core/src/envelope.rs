//! The envelope around a ticket or a row's data: sealed (encrypted and authenticated) or signed (authenticated only).
//!
//! A sealed envelope takes its AES-256-GCM key from HKDF-Expand over a fresh 24-byte salt, so each key encrypts one message
//! and the nonce can be zero: no count of messages per key has to be kept (NIST SP 800-38D, 8.3, bounds a key's messages).

use alloc::vec::Vec;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing, zeroize_bytes};

use crate::{KeyId, Salt, gcm, pae};

const SEALED: u8 = 0x01;
const SIGNED: u8 = 0x02;
/// Kind and key id.
const PREFIX: usize = 1 + KeyId::LEN;
/// Kind, key id and salt.
const SEALED_HEADER: usize = PREFIX + 24;
const MAC_TAG: usize = 32;

/// The longest cookie name, in bytes.
pub(crate) const MAX_NAME_BYTES: usize = 128;

/// How a ticket or a row's data are protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protection {
    /// Encrypted and authenticated with AES-256-GCM. Nobody without a key reads or changes it.
    #[default]
    Sealed,
    /// Authenticated with HMAC-SHA256, **readable by everyone who holds it**. Nobody without a key changes it.
    Signed,
}

/// Why an envelope was not opened. The client never learns which; the log may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Not an envelope of this format: too short, an unknown kind, or contents that do not decode.
    #[error("malformed")]
    Malformed,
    /// Made with a key that this key set does not hold.
    #[error("made with the unknown key {0}")]
    UnknownKey(KeyId),
    /// The tag does not fit: forged, damaged, or made for another place.
    #[error("forged")]
    Forged,
    /// The key set opens cookies only.
    #[error("these keys open cookies only; export edge keys for cookies and rows to open rows")]
    NoRowKeys,
}

/// Why an envelope could not be made. Neither happens with a valid [`Ticket`](crate::Ticket) and configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The cookie name is over 128 bytes.
    #[error("the cookie name is over {MAX_NAME_BYTES} bytes")]
    NameTooLong,
    /// The subject is longer than [`MAX_SUBJECT_BYTES`](crate::MAX_SUBJECT_BYTES).
    #[error("the subject is over {} bytes", crate::MAX_SUBJECT_BYTES)]
    SubjectTooLong,
    /// The contents could not be encoded.
    #[error("the contents could not be encoded")]
    Encoding,
}

/// What an envelope is for: each use has subkeys of its own, so that one can never pass for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Cookie,
    Row,
}

impl Use {
    pub(crate) const fn seal_info(self) -> &'static [u8] {
        match self {
            Self::Cookie => b"cookie-seal",
            Self::Row => b"row-seal",
        }
    }

    pub(crate) const fn sign_info(self) -> &'static [u8] {
        match self {
            Self::Cookie => b"cookie-sign",
            Self::Row => b"row-sign",
        }
    }
}

/// The subkeys of one use, with their HMAC states prepared once.
#[derive(Clone)]
pub(crate) struct Subkeys {
    seal: Hkdf<Sha256>,
    sign: Hmac<Sha256>,
}

impl Subkeys {
    /// From the two subkeys of 32 bytes; nothing for any other length.
    pub(crate) fn new(seal: &[u8], sign: &[u8]) -> Option<Self> {
        if seal.len() != 32 || sign.len() != 32 {
            return None;
        }
        Some(Self { seal: Hkdf::from_prk(seal).ok()?, sign: Hmac::new_from_slice(sign).ok()? })
    }

    /// The AES-256-GCM key of one sealed envelope.
    fn message_key(&self, usage: Use, id: &[u8], salt: &[u8], mix: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        let mut key = Zeroizing::new([0; 32]);
        self.seal.expand_multi_info(&[usage.seal_info(), &[0], id, salt, mix], key.as_mut()).ok()?;
        Some(key)
    }
}

/// What is bound to an envelope beside its contents.
#[derive(Clone, Copy)]
pub(crate) struct Binding<'a> {
    pub(crate) usage: Use,
    /// Goes into the key (sealed) or the context (signed), so that without it nothing opens and nothing verifies.
    pub(crate) mix: Option<&'a [u8]>,
    /// Where the envelope belongs.
    pub(crate) context: &'a [&'a [u8]],
}

/// Wraps `len` bytes of contents, which `write` appends. Allocates once, and the plaintext is encrypted where it was written.
pub(crate) fn close(
    keys: &Subkeys,
    id: KeyId,
    binding: Binding<'_>,
    protection: Protection,
    salt: &Salt,
    len: usize,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), postcard::Error>,
) -> Result<Vec<u8>, SealError> {
    let mut bytes = Vec::with_capacity(len.saturating_add(SEALED_HEADER).saturating_add(MAC_TAG));
    bytes.push(match protection {
        Protection::Sealed => SEALED,
        Protection::Signed => SIGNED,
    });
    bytes.extend_from_slice(id.as_bytes());
    if protection == Protection::Sealed {
        bytes.extend_from_slice(salt.as_bytes());
    }
    if write(&mut bytes).is_err() {
        bytes.zeroize();
        return Err(SealError::Encoding);
    }
    let tagged = match protection {
        Protection::Sealed => encrypt(keys, binding, &mut bytes),
        Protection::Signed => sign(keys, binding, &mut bytes),
    };
    match tagged {
        Some(()) => Ok(bytes),
        None => {
            bytes.zeroize();
            Err(SealError::Encoding)
        }
    }
}

fn encrypt(keys: &Subkeys, binding: Binding<'_>, bytes: &mut Vec<u8>) -> Option<()> {
    let (header, plaintext) = bytes.split_at_mut_checked(SEALED_HEADER)?;
    let (id, salt) = header.get(1..)?.split_at_checked(KeyId::LEN)?;
    let key = keys.message_key(binding.usage, id, salt, binding.mix.unwrap_or_default())?;
    let aad = pae::Buffer::of(header, binding.context)?;
    let tag = gcm::seal(&key, aad.as_slice(), plaintext);
    bytes.extend_from_slice(&tag);
    Some(())
}

fn sign(keys: &Subkeys, binding: Binding<'_>, bytes: &mut Vec<u8>) -> Option<()> {
    let (prefix, payload) = bytes.split_at_checked(PREFIX)?;
    let tag = mac(keys, binding, prefix, payload)?;
    bytes.extend_from_slice(&tag);
    Some(())
}

fn mac(keys: &Subkeys, binding: Binding<'_>, prefix: &[u8], payload: &[u8]) -> Option<[u8; MAC_TAG]> {
    let mut mac = keys.sign.clone();
    match binding.mix {
        Some(mix) => pae::write(&mut mac, prefix, binding.context, &[mix, payload])?,
        None => pae::write(&mut mac, prefix, binding.context, &[payload])?,
    }
    Some(mac.finalize().into_bytes().into())
}

/// The contents of an envelope that passed. Wiped when dropped; what stood around them is no secret.
pub(crate) struct Contents {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Drop for Contents {
    fn drop(&mut self) {
        if let Some(contents) = self.bytes.get_mut(self.start..self.end) {
            zeroize_bytes(contents);
        }
    }
}

impl Contents {
    pub(crate) fn as_slice(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }
}

/// Verifies and, where it is sealed, then decrypts an envelope in place: no unauthenticated plaintext ever exists (compare
/// RUSTSEC-2023-0096).
pub(crate) fn open<'k>(
    subkeys: impl FnOnce(KeyId) -> Result<&'k Subkeys, OpenError>,
    binding: Binding<'_>,
    mut bytes: Vec<u8>,
) -> Result<Contents, OpenError> {
    let (kind, id) = match bytes.get(..PREFIX) {
        Some([kind, id @ ..]) => (*kind, KeyId::from_slice(id).ok_or(OpenError::Malformed)?),
        _ => return Err(OpenError::Malformed),
    };
    let (header, tag) = match kind {
        SEALED => (SEALED_HEADER, gcm::TAG),
        SIGNED => (PREFIX, MAC_TAG),
        _ => return Err(OpenError::Malformed),
    };
    let end = match bytes.len().checked_sub(tag) {
        Some(end) if end >= header => end,
        _ => return Err(OpenError::Malformed),
    };
    let keys = subkeys(id)?;
    let passed = match kind {
        SEALED => decrypt(keys, binding, &mut bytes, end),
        _ => verify(keys, binding, &bytes, end),
    };
    let contents = Contents { bytes, start: header, end };
    passed.ok_or(OpenError::Forged)?;
    Ok(contents)
}

fn decrypt(keys: &Subkeys, binding: Binding<'_>, bytes: &mut [u8], end: usize) -> Option<()> {
    let (rest, tag) = bytes.split_at_mut_checked(end)?;
    let (header, ciphertext) = rest.split_at_mut_checked(SEALED_HEADER)?;
    let (id, salt) = header.get(1..)?.split_at_checked(KeyId::LEN)?;
    let key = keys.message_key(binding.usage, id, salt, binding.mix.unwrap_or_default())?;
    let aad = pae::Buffer::of(header, binding.context)?;
    gcm::open(&key, aad.as_slice(), ciphertext, tag)
}

fn verify(keys: &Subkeys, binding: Binding<'_>, bytes: &[u8], end: usize) -> Option<()> {
    let (signed, tag) = bytes.split_at_checked(end)?;
    let (prefix, payload) = signed.split_at_checked(PREFIX)?;
    let expected = mac(keys, binding, prefix, payload)?;
    // As two numbers, for the same reason as in `gcm`.
    let halves = |tag: &[u8]| {
        let (left, right) = tag.split_at_checked(MAC_TAG / 2)?;
        Some((u128::from_ne_bytes(left.try_into().ok()?), u128::from_ne_bytes(right.try_into().ok()?)))
    };
    let ((a, b), (x, y)) = (halves(&expected)?, halves(tag)?);
    bool::from(a.ct_eq(&x) & b.ct_eq(&y)).then_some(())
}
