//! FORMAT.md's derivations, made beside the library: subkeys, the input of tags, and what is inside an envelope.

use aes_gcm::aes::{Aes256, cipher::BlockCipherEncrypt};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value as Json, json};
use sha2::Sha256;

use crate::hex;

pub(crate) fn hkdf(root: &[u8], info: &str, len: usize) -> Vec<u8> {
    let mut out = vec![0; len];
    Hkdf::<Sha256>::new(Some(b"waxseal/v1"), root).expand(info.as_bytes(), &mut out).unwrap();
    out
}

pub(crate) fn pae(pieces: &[&[u8]]) -> Vec<u8> {
    let mut out = (pieces.len() as u64).to_le_bytes().to_vec();
    for piece in pieces {
        out.extend((piece.len() as u64).to_le_bytes());
        out.extend(*piece);
    }
    out
}

/// The AES-256-GCM key of one message, as C2SP's page writes it: two blocks of the SP 800-108 key derivation by CMAC.
pub(crate) fn derived_key(key: &[u8], nonce: &[u8]) -> [u8; 32] {
    use aes_gcm::KeyInit;
    let aes = Aes256::new_from_slice(key).unwrap();
    let block = |bytes: [u8; 16]| {
        let mut block = bytes.into();
        aes.encrypt_block(&mut block);
        <[u8; 16]>::from(block)
    };
    let l = u128::from_be_bytes(block([0; 16]));
    let k1 = (l << 1) ^ if l >> 127 == 1 { 0x87 } else { 0 };
    let part = |counter: u8| {
        let mut message = [0; 16];
        message[..4].copy_from_slice(&[0, counter, b'X', 0]);
        message[4..].copy_from_slice(&nonce[..12]);
        block((u128::from_be_bytes(message) ^ k1).to_be_bytes())
    };
    [part(1), part(2)].concat().try_into().unwrap()
}

/// The intermediate values of an envelope, derived from FORMAT.md, and the proof that they give it.
pub(crate) fn explain(envelope: &[u8], usage: &str, root: &[u8], secret: Option<&[u8]>, context: &[&[u8]]) -> Json {
    let id = &envelope[1..5];
    assert_eq!(id, hkdf(root, "key-id", 4));
    match envelope[0] {
        1 => {
            use aes_gcm::{Aes256Gcm, KeyInit, aead::AeadInOut};
            let nonce = &envelope[5..29];
            let subkey = hkdf(root, &format!("{usage}-seal"), 32);
            let key = match secret {
                None => subkey,
                Some(secret) => {
                    let mut key = vec![0; 32];
                    let info = [b"row".as_slice(), &[0], secret].concat();
                    Hkdf::<Sha256>::from_prk(&subkey).unwrap().expand(&info, &mut key).unwrap();
                    key
                }
            };
            let message_key = derived_key(&key, nonce);
            let pieces: Vec<&[u8]> = [&envelope[..29]].into_iter().chain(context.iter().copied()).collect();
            let aad = pae(&pieces);
            let (ciphertext, tag) = envelope[29..].split_at(envelope.len() - 29 - 16);
            let mut plaintext = ciphertext.to_vec();
            Aes256Gcm::new_from_slice(&message_key)
                .unwrap()
                .decrypt_inout_detached(
                    &<[u8; 12]>::try_from(&nonce[12..]).unwrap().into(),
                    &aad,
                    plaintext.as_mut_slice().into(),
                    &tag.try_into().unwrap(),
                )
                .unwrap();
            json!({
                "nonce": hex(nonce), "xaes_key": hex(&key), "derived_key": hex(&message_key), "aad": hex(&aad),
                "plaintext": hex(&plaintext), "tag": hex(tag),
            })
        }
        2 => {
            let (payload, tag) = envelope[5..].split_at(envelope.len() - 5 - 32);
            let pieces: Vec<&[u8]> =
                [&envelope[..5]].into_iter().chain(context.iter().copied()).chain(secret).chain([payload]).collect();
            let input = pae(&pieces);
            let mut mac = Hmac::<Sha256>::new_from_slice(&hkdf(root, &format!("{usage}-sign"), 32)).unwrap();
            mac.update(&input);
            assert_eq!(mac.finalize().into_bytes().as_slice(), tag);
            json!({ "mac_input": hex(&input), "payload": hex(payload), "tag": hex(tag) })
        }
        kind => panic!("{kind}"),
    }
}

/// An authentic envelope around any payload, as nobody with the keys would write it.
pub(crate) fn signed(root: &[u8], usage: &str, context: &[&[u8]], payload: &[u8]) -> Vec<u8> {
    let prefix = [&[2], &hkdf(root, "key-id", 4)[..]].concat();
    let mut mac = Hmac::<Sha256>::new_from_slice(&hkdf(root, &format!("{usage}-sign"), 32)).unwrap();
    let pieces: Vec<&[u8]> = [&prefix[..]].into_iter().chain(context.iter().copied()).chain([payload]).collect();
    mac.update(&pae(&pieces));
    [&prefix, payload, mac.finalize().into_bytes().as_slice()].concat()
}
