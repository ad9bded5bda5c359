//! The two envelopes of plug_crypto: `MessageVerifier` signs, `MessageEncryptor` encrypts.

use aes_gcm::{
    AesGcm,
    aead::{AeadInOut, KeyInit, consts::U12},
    aes::{Aes128, Aes192, Aes256},
};
use base64_simd::URL_SAFE_NO_PAD;
use chacha20poly1305::XChaCha20Poly1305;
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::keys::Key;

/// What plug_crypto passes as additional data of the message, unless the caller chose something else.
const DEFAULT_CONTEXT: &[u8] = b"A128GCM";

/// The signature algorithm of tokens. Plug's default is HMAC-SHA256.
///
/// A token names its algorithm. A reader accepts only the one that it was built with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-SHA256: the token begins with `SFMyNTY`.
    #[default]
    Hs256,
    /// HMAC-SHA384: the token begins with `SFMzODQ`.
    Hs384,
    /// HMAC-SHA512: the token begins with `SFM1MTI`.
    Hs512,
}

impl Algorithm {
    const fn prefix(self) -> &'static [u8] {
        match self {
            Self::Hs256 => b"SFMyNTY",
            Self::Hs384 => b"SFMzODQ",
            Self::Hs512 => b"SFM1MTI",
        }
    }
}

/// How a text is protected, with the keys for it.
#[derive(Clone)]
pub(super) enum Envelope {
    Signed { key: Key, algorithm: Algorithm },
    Encrypted { key: Key, signing: Zeroizing<Vec<u8>> },
}

impl Envelope {
    /// The payload, if the text is authentic.
    pub(super) fn open(&self, token: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Signed { key, algorithm } => verify(token, key, *algorithm),
            Self::Encrypted { key, signing } => match token.strip_prefix(b"XCP.") {
                Some(sealed) => decrypt(sealed, key),
                None => decrypt_wrapped(token, key, signing),
            },
        }
    }
}

fn base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    URL_SAFE_NO_PAD.decode_to_vec(text).ok().map(Zeroizing::new)
}

/// Exactly this many parts, separated by dots.
fn parts<const N: usize>(token: &[u8]) -> Option<[&[u8]; N]> {
    let mut split = token.split(|byte| *byte == b'.');
    let mut parts: [&[u8]; N] = [&[]; N];
    for part in &mut parts {
        *part = split.next()?;
    }
    split.next().is_none().then_some(parts)
}

/// `algorithm "." payload "." HMAC(key, algorithm "." payload)`
fn verify(token: &[u8], key: &Key, algorithm: Algorithm) -> Option<Zeroizing<Vec<u8>>> {
    let [prefix, payload, signature] = parts(token)?;
    if prefix != algorithm.prefix() {
        return None;
    }
    let signature = base64(signature)?;
    match algorithm {
        Algorithm::Hs256 => check::<Hmac<Sha256>>(key, prefix, payload, &signature)?,
        Algorithm::Hs384 => check::<Hmac<Sha384>>(key, prefix, payload, &signature)?,
        Algorithm::Hs512 => check::<Hmac<Sha512>>(key, prefix, payload, &signature)?,
    }
    base64(payload)
}

/// Compares the whole signature, in constant time.
fn check<M: Mac + hmac::KeyInit>(key: &Key, prefix: &[u8], payload: &[u8], signature: &[u8]) -> Option<()> {
    let mut mac = <M as hmac::KeyInit>::new_from_slice(&key.0).ok()?;
    mac.update(prefix);
    mac.update(b".");
    mac.update(payload);
    mac.verify_slice(signature).ok()
}

/// plug_crypto 2: `"XCP." nonce[24] tag[16] ciphertext`, XChaCha20-Poly1305.
fn decrypt(sealed: &[u8], key: &Key) -> Option<Zeroizing<Vec<u8>>> {
    let sealed = base64(sealed)?;
    let (nonce, rest) = sealed.split_first_chunk::<24>()?;
    let (tag, ciphertext) = rest.split_first_chunk::<16>()?;
    let mut message = Zeroizing::new(ciphertext.to_vec());
    let cipher = XChaCha20Poly1305::new_from_slice(&key.0).ok()?;
    cipher.decrypt_inout_detached(nonce.into(), DEFAULT_CONTEXT, message.as_mut_slice().into(), tag.into()).ok()?;
    Some(message)
}

/// plug_crypto 1: `"A128GCM" "." wrapped "." nonce[12] "." ciphertext "." tag[16]`. Each message is encrypted with its own key,
/// which is wrapped as `ciphertext tag[16] nonce[12]`, with the signing key as additional data.
fn decrypt_wrapped(token: &[u8], key: &Key, signing: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let [protected, wrapped, nonce, ciphertext, tag] = parts(token)?;
    if protected != b"QTEyOEdDTQ" {
        return None;
    }
    let wrapped = base64(wrapped)?;
    let (wrapped, wrap_nonce) = wrapped.split_last_chunk::<12>()?;
    let (wrapped, wrap_tag) = wrapped.split_last_chunk::<16>()?;
    if !matches!(wrapped.len(), 16 | 24 | 32) {
        return None;
    }
    let inner = aes_gcm(&key.0, wrap_nonce, signing, wrapped, wrap_tag)?;
    let (nonce, tag) = (base64(nonce)?, base64(tag)?);
    let (nonce, tag) = (nonce.as_slice().try_into().ok()?, tag.as_slice().try_into().ok()?);
    aes_gcm(&inner, nonce, DEFAULT_CONTEXT, &base64(ciphertext)?, tag)
}

/// AES-GCM; the length of `key` selects the key size.
fn aes_gcm(key: &[u8], nonce: &[u8; 12], aad: &[u8], ciphertext: &[u8], tag: &[u8; 16]) -> Option<Zeroizing<Vec<u8>>> {
    let mut message = Zeroizing::new(ciphertext.to_vec());
    let buffer = message.as_mut_slice().into();
    let (nonce, tag) = (nonce.into(), tag.into());
    match key.len() {
        16 => AesGcm::<Aes128, U12>::new_from_slice(key).ok()?.decrypt_inout_detached(nonce, aad, buffer, tag).ok()?,
        24 => AesGcm::<Aes192, U12>::new_from_slice(key).ok()?.decrypt_inout_detached(nonce, aad, buffer, tag).ok()?,
        32 => AesGcm::<Aes256, U12>::new_from_slice(key).ok()?.decrypt_inout_detached(nonce, aad, buffer, tag).ok()?,
        _ => return None,
    }
    Some(message)
}
