//! The envelope around a ticket, a row's data or a feed: sealed (encrypted and authenticated) or signed (authenticated only).
//!
//! ```text
//! sealed = 0x01 | key id[4] | nonce[24] | ciphertext | tag[16]      XAES-256-GCM, aad = PAE(first 29 bytes, context…)
//! signed = 0x02 | key id[4] | payload | tag[32]                     HMAC-SHA256 over PAE(first 5 bytes, context…, secret, payload)
//! ```
//!
//! XAES-256-GCM is C2SP's extended-nonce AEAD. Its nonces are random: 2^80 messages under one key are safe, so nobody has to
//! count them. Nothing here is a construction of our own: the AEAD is RustCrypto's `xaes-256-gcm`, the MAC is RustCrypto's
//! `hmac`, and what a tag authenticates is encoded by PASETO's PAE.

use alloc::vec::Vec;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use xaes_256_gcm::{Xaes256Gcm, aead::AeadInOut};
use zeroize::{Zeroize, zeroize_bytes};

use crate::{KeyId, Nonce, Secret, pae};

const SEALED: u8 = 0x01;
const SIGNED: u8 = 0x02;
/// Kind and key id.
const PREFIX: usize = 1 + KeyId::LEN;
/// Kind, key id and nonce.
const SEALED_HEADER: usize = PREFIX + Nonce::LEN;
const AEAD_TAG: usize = 16;
const MAC_TAG: usize = 32;
/// What a signed envelope adds to its payload.
pub(crate) const SIGNED_OVERHEAD: usize = PREFIX + MAC_TAG;

/// The longest cookie name, in bytes.
pub(crate) const MAX_NAME_BYTES: usize = 128;

/// How a ticket or a row's data are protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protection {
    /// Encrypted and authenticated with XAES-256-GCM. Nobody without a key can read or change it.
    #[default]
    Sealed,
    /// Authenticated with HMAC-SHA256, **readable by everyone who holds it**. Nobody without a key can change it.
    Signed,
}

/// Why an envelope was not opened. The client never learns the reason; the log may have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Not an envelope of this format: too short, an unknown kind, or contents that do not decode.
    #[error("malformed")]
    Malformed,
    /// Made with a key that this key set does not hold.
    #[error("made with the unknown key {0}")]
    UnknownKey(KeyId),
    /// The tag is wrong: the envelope was forged, damaged, or made for another place.
    #[error("forged")]
    Forged,
    /// The key set opens cookies only.
    #[error("these keys open cookies only; export edge keys for cookies and rows to open rows")]
    NoRowKeys,
}

/// Why an envelope could not be made. None of these happens with a valid [`Ticket`](crate::Ticket), configuration and window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The cookie name is over 128 bytes.
    #[error("the cookie name is over {MAX_NAME_BYTES} bytes")]
    NameTooLong,
    /// The subject is longer than [`MAX_SUBJECT_BYTES`](crate::MAX_SUBJECT_BYTES).
    #[error("the subject is over {} bytes", crate::MAX_SUBJECT_BYTES)]
    SubjectTooLong,
    /// The feed names more than 1,048,576 sessions. Shorten its window.
    #[error("the feed names more than 1,048,576 sessions")]
    FeedTooLong,
    /// The contents could not be encoded.
    #[error("the contents could not be encoded")]
    Encoding,
}

/// The keys of one kind of envelope.
pub(crate) trait Keys {
    /// Calls `f` with the prepared AEAD.
    fn with_cipher<R>(&self, f: impl FnOnce(&Xaes256Gcm) -> Option<R>) -> Option<R>;
    /// The keyed MAC, ready for a message.
    fn mac(&self) -> Hmac<Sha256>;
    /// The session secret, for rows. The AEAD's key is derived from it; the MAC authenticates it.
    fn secret(&self) -> Option<&Secret>;
}

/// Wraps `len` bytes of contents, which `write` appends. Allocates once, and the plaintext is encrypted in place.
pub(crate) fn close(
    keys: &impl Keys,
    id: KeyId,
    context: &[&[u8]],
    protection: Protection,
    nonce: Nonce,
    len: usize,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), postcard::Error>,
) -> Result<Vec<u8>, SealError> {
    let mut bytes = Vec::with_capacity(len.saturating_add(SEALED_HEADER).saturating_add(MAC_TAG));
    match protection {
        Protection::Sealed => {
            bytes.push(SEALED);
            bytes.extend_from_slice(id.as_bytes());
            bytes.extend_from_slice(nonce.as_bytes());
        }
        Protection::Signed => {
            bytes.push(SIGNED);
            bytes.extend_from_slice(id.as_bytes());
        }
    }
    let closed = write(&mut bytes).ok().and_then(|()| match protection {
        Protection::Sealed => encrypt(keys, context, &mut bytes),
        Protection::Signed => sign(keys, context, &mut bytes),
    });
    match closed {
        Some(()) => Ok(bytes),
        None => {
            bytes.zeroize();
            Err(SealError::Encoding)
        }
    }
}

fn encrypt(keys: &impl Keys, context: &[&[u8]], bytes: &mut Vec<u8>) -> Option<()> {
    let (header, plaintext) = bytes.split_at_mut_checked(SEALED_HEADER)?;
    let mut buffer = pae::Buffer::new();
    let aad = buffer.encode(header, context)?;
    let nonce: &[u8; Nonce::LEN] = header.last_chunk()?;
    let tag = keys.with_cipher(|cipher| cipher.encrypt_inout_detached(nonce.into(), aad, plaintext.into()).ok())?;
    bytes.extend_from_slice(&tag);
    Some(())
}

fn sign(keys: &impl Keys, context: &[&[u8]], bytes: &mut Vec<u8>) -> Option<()> {
    let mut mac = keys.mac();
    authenticate(&mut mac, keys, context, bytes)?;
    bytes.extend_from_slice(&mac.finalize().into_bytes());
    Some(())
}

/// Feeds the MAC with what the tag of a signed envelope authenticates.
fn authenticate(mac: &mut Hmac<Sha256>, keys: &impl Keys, context: &[&[u8]], signed: &[u8]) -> Option<()> {
    let (prefix, payload) = signed.split_at_checked(PREFIX)?;
    match keys.secret() {
        Some(secret) => pae::write(mac, prefix, context, &[secret.as_bytes(), payload]),
        None => pae::write(mac, prefix, context, &[payload]),
    }
}

/// Whether the envelope says that it is signed.
pub(crate) fn is_signed(bytes: &[u8]) -> bool {
    bytes.first() == Some(&SIGNED)
}

/// The contents of a verified envelope. They are wiped when dropped; the bytes around them are no secret.
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

/// Verifies an envelope and, if it is sealed, decrypts it in place.
///
/// The AEAD checks the tag before it decrypts, so unauthenticated plaintext never exists (compare RUSTSEC-2023-0096).
pub(crate) fn open<K: Keys>(
    keys: impl FnOnce(KeyId) -> Result<K, OpenError>,
    context: &[&[u8]],
    mut bytes: Vec<u8>,
) -> Result<Contents, OpenError> {
    let (kind, id) = match bytes.get(..PREFIX) {
        Some([kind, id @ ..]) => (*kind, KeyId::from_slice(id).ok_or(OpenError::Malformed)?),
        _ => return Err(OpenError::Malformed),
    };
    let (start, tag) = match kind {
        SEALED => (SEALED_HEADER, AEAD_TAG),
        SIGNED => (PREFIX, MAC_TAG),
        _ => return Err(OpenError::Malformed),
    };
    let end = match bytes.len().checked_sub(tag) {
        Some(end) if end >= start => end,
        _ => return Err(OpenError::Malformed),
    };
    let keys = keys(id)?;
    let passed = match kind {
        SEALED => decrypt(&keys, context, &mut bytes, end),
        _ => verify(&keys, context, &bytes, end),
    };
    let contents = Contents { bytes, start, end };
    passed.ok_or(OpenError::Forged)?;
    Ok(contents)
}

fn decrypt(keys: &impl Keys, context: &[&[u8]], bytes: &mut [u8], end: usize) -> Option<()> {
    let (rest, tag) = bytes.split_at_mut_checked(end)?;
    let (header, ciphertext) = rest.split_at_mut_checked(SEALED_HEADER)?;
    let mut buffer = pae::Buffer::new();
    let aad = buffer.encode(header, context)?;
    let nonce: &[u8; Nonce::LEN] = header.last_chunk()?;
    let tag: &[u8; AEAD_TAG] = tag.first_chunk()?;
    keys.with_cipher(|cipher| cipher.decrypt_inout_detached(nonce.into(), aad, ciphertext.into(), tag.into()).ok())
}

fn verify(keys: &impl Keys, context: &[&[u8]], bytes: &[u8], end: usize) -> Option<()> {
    let (signed, tag) = bytes.split_at_checked(end)?;
    let mut mac = keys.mac();
    authenticate(&mut mac, keys, context, signed)?;
    mac.verify_slice(tag).ok()
}
