//! AES-256-GCM (NIST SP 800-38D) for a key that seals one message, with the zero nonce that FORMAT.md gives it.
//!
//! The cipher and the hash are RustCrypto's `aes` and `ghash`; only their composition is here. A general AEAD encrypts the hash key,
//! the tag mask and the counter blocks in three calls, since its key outlives the message. Ours does not: all of them go through the
//! cipher's pipeline at once, which takes a quarter off the opening of a cookie (and nearly half of it in wasm). The tests compare
//! every length with the `aes-gcm` crate and with NIST's own vectors.

use aes::{
    Aes256, Block,
    cipher::{BlockCipherEncrypt, KeyInit},
};
use ghash::{GHash, universal_hash::UniversalHash};
use subtle::ConstantTimeEq;

pub(crate) const TAG: usize = 16;
const BLOCK: usize = 16;

/// Blocks that go through the cipher at once.
const BATCH: usize = 8;

/// Up to this many blocks are hashed in one call.
const SHORT: usize = 24;

/// Encrypts in place and gives the tag. The key must be used for this one message only.
pub(crate) fn seal(key: &[u8; 32], aad: &[u8], bytes: &mut [u8]) -> [u8; TAG] {
    let mut stream = Stream::new(key);
    let hash = GHash::new(stream.hash_key());
    let mask = stream.tag_mask();
    stream.xor(bytes);
    tag(hash, mask, aad, bytes).into()
}

/// Decrypts in place where the tag fits; else leaves the ciphertext as it is, so that no unauthenticated plaintext ever exists.
pub(crate) fn open(key: &[u8; 32], aad: &[u8], bytes: &mut [u8], presented: &[u8]) -> Option<()> {
    let mut stream = Stream::new(key);
    let hash = GHash::new(stream.hash_key());
    let expected = tag(hash, stream.tag_mask(), aad, bytes);
    // As one number: byte by byte, a comparison in constant time takes as long as the hash.
    let presented = u128::from_ne_bytes(presented.try_into().ok()?);
    if !bool::from(u128::from_ne_bytes(expected.into()).ct_eq(&presented)) {
        return None;
    }
    stream.xor(bytes);
    Some(())
}

/// Everything that the cipher makes for one message: the hash key, the tag mask, and the keystream.
struct Stream {
    cipher: Aes256,
    /// At first the zero block and the counters 1 to 7, encrypted; then eight counters at a time.
    blocks: [Block; BATCH],
    /// How many of the blocks are spent.
    used: usize,
    /// The last counter in `blocks`.
    last: u32,
}

impl Stream {
    #[inline]
    fn new(key: &[u8; 32]) -> Self {
        let mut blocks = [Block::default(); BATCH];
        for (n, block) in (0..).zip(&mut blocks) {
            *block = counter(n);
        }
        let cipher = Aes256::new(key.into());
        cipher.encrypt_blocks(&mut blocks);
        Self { cipher, blocks, used: 2, last: 7 }
    }

    fn hash_key(&self) -> &Block {
        let [hash_key, ..] = &self.blocks;
        hash_key
    }

    fn tag_mask(&self) -> Block {
        let [_, tag_mask, ..] = &self.blocks;
        *tag_mask
    }

    /// XORs the keystream, which begins with counter 2, onto `bytes`. Once for a stream.
    #[inline]
    fn xor(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(BLOCK) {
            if self.used == BATCH {
                for block in &mut self.blocks {
                    // A message is far below the 2^32 blocks at which the counter would wrap.
                    self.last = self.last.wrapping_add(1);
                    *block = counter(self.last);
                }
                self.cipher.encrypt_blocks(&mut self.blocks);
                self.used = 0;
            }
            if let Some(block) = self.blocks.get(self.used) {
                for (byte, key) in chunk.iter_mut().zip(block) {
                    *byte ^= key;
                }
            }
            self.used = self.used.saturating_add(1);
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.blocks = [Block::default(); BATCH];
        zeroize::optimization_barrier(&self.blocks);
    }
}

/// The tag over the associated data and the ciphertext.
#[inline]
fn tag(mut hash: GHash, mask: Block, aad: &[u8], ciphertext: &[u8]) -> Block {
    let bits = |bytes: &[u8]| (bytes.len() as u64).saturating_mul(8);
    let lengths: Block = ((u128::from(bits(aad)) << 64) | u128::from(bits(ciphertext))).to_be_bytes().into();
    let mut short = [Block::default(); SHORT];
    match lay_out(&mut short, aad, ciphertext, lengths) {
        // A cookie: one call, which hashes blocks side by side where the processor can.
        Some(blocks) => hash.update(blocks),
        None => {
            hash.update_padded(aad);
            hash.update_padded(ciphertext);
            hash.update(&[lengths]);
        }
    }
    let mut tag = hash.finalize();
    for (byte, mask) in tag.iter_mut().zip(&mask) {
        *byte ^= mask;
    }
    tag
}

/// What is hashed, padded to blocks, where it fits into `room`.
#[inline]
fn lay_out<'a>(room: &'a mut [Block; SHORT], aad: &[u8], ciphertext: &[u8], lengths: Block) -> Option<&'a [Block]> {
    let (first, second) = (aad.len().div_ceil(BLOCK), ciphertext.len().div_ceil(BLOCK));
    let end = first.checked_add(second)?;
    *room.get_mut(end)? = lengths;
    let bytes = Block::slice_as_flattened_mut(room);
    bytes.get_mut(..aad.len())?.copy_from_slice(aad);
    bytes.get_mut(first.checked_mul(BLOCK)?..)?.get_mut(..ciphertext.len())?.copy_from_slice(ciphertext);
    room.get(..end.checked_add(1)?)
}

/// The counter block of the zero nonce; number 0 is the zero block.
#[inline]
fn counter(n: u32) -> Block {
    u128::from(n).to_be_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aes_gcm::{Aes256Gcm, KeyInit, aead::AeadInOut};
    use alloc::vec::Vec;

    fn reference(key: &[u8; 32], aad: &[u8], bytes: &mut [u8]) -> [u8; TAG] {
        let cipher = Aes256Gcm::new_from_slice(key).unwrap();
        cipher.encrypt_inout_detached(&Default::default(), aad, bytes.into()).unwrap().into()
    }

    #[test]
    fn every_length_is_what_the_aes_gcm_crate_gives() {
        let key: [u8; 32] = core::array::from_fn(|i| (i as u8).wrapping_mul(37) ^ 0x5c);
        let text: Vec<u8> = (0..1200u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
        for len in (0..300).chain([511, 512, 513, 1100, 1200]) {
            for aad in [0, 1, 15, 16, 17, 67, 389].map(|aad| &text[..aad]) {
                let (mut ours, mut theirs) = (text[..len].to_vec(), text[..len].to_vec());
                let tag = seal(&key, aad, &mut ours);
                assert_eq!(tag, reference(&key, aad, &mut theirs));
                assert_eq!(ours, theirs);
                open(&key, aad, &mut ours, &tag).unwrap();
                assert_eq!(ours, text[..len]);
            }
        }
    }

    #[test]
    fn nist_vectors_hold() {
        // GCM specification (McGrew and Viega), test cases 13 and 14: a zero key of 256 bits and a zero nonce.
        assert_eq!(seal(&[0; 32], &[], &mut []), 0x530f_8afb_c745_36b9_a963_b4f1_c4cb_738b_u128.to_be_bytes());
        let mut block = [0; 16];
        let tag = seal(&[0; 32], &[], &mut block);
        assert_eq!(block, 0xcea7_403d_4d60_6b6e_074e_c5d3_baf3_9d18_u128.to_be_bytes());
        assert_eq!(tag, 0xd0d1_c8a7_9999_6bf0_265b_98b5_d48a_b919_u128.to_be_bytes());
    }

    #[test]
    fn what_does_not_fit_stays_ciphertext() {
        let mut bytes = *b"attack at dawn";
        let tag = seal(&[1; 32], b"aad", &mut bytes);
        let sealed = bytes;
        for bit in 0..128 {
            let mut wrong = tag;
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&[1; 32], b"aad", &mut bytes, &wrong).is_none());
            assert_eq!(bytes, sealed);
        }
        assert!(open(&[1; 32], b"aae", &mut bytes, &tag).is_none());
        assert!(open(&[2; 32], b"aad", &mut bytes, &tag).is_none());
        assert!(open(&[1; 32], b"aad", &mut bytes, &tag[..15]).is_none());
        assert!(open(&[1; 32], b"aad", &mut bytes, &[]).is_none());
        assert!(open(&[1; 32], b"aad", &mut bytes, &tag).is_some());
    }
}
