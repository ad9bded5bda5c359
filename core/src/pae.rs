//! PASETO's pre-authentication encoding: the bytes that a tag authenticates. No two lists of pieces give the same bytes.
//!
//! `LE64(count)`, then `LE64(len) | bytes` for each piece (PASETO specification, "Authentication Padding").

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{MAX_SUBJECT_BYTES, envelope::MAX_NAME_BYTES};

/// The longest associated data of a sealed envelope: a row's context with the longest subject, or a cookie's with the
/// longest name, beside count, lengths and header. A stack buffer of this size keeps verification free of allocation.
const LONGEST: usize = 168 + if MAX_SUBJECT_BYTES > MAX_NAME_BYTES { MAX_SUBJECT_BYTES } else { MAX_NAME_BYTES };

/// Writes PAE(`first`, `context`…, `last`…) into a MAC, in as few updates as possible: each short one costs more than its bytes.
/// `None` if `first` and `context` are longer than the format allows.
pub(crate) fn write(mac: &mut Hmac<Sha256>, first: &[u8], context: &[&[u8]], last: &[&[u8]]) -> Option<()> {
    let mut buffer = Buffer::new();
    buffer.begin(first, context, last.len())?;
    for piece in last {
        buffer.put(&(piece.len() as u64).to_le_bytes())?;
        mac.update(buffer.as_slice());
        mac.update(piece);
        buffer.len = 0;
    }
    Some(())
}

/// An encoding in one piece on the stack, as an AEAD needs its associated data. It is filled in place: moving it would cost more
/// than filling it.
pub(crate) struct Buffer {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Buffer {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; LONGEST], len: 0 }
    }

    /// PAE(`first`, `context`…), or `None` if it is longer than the format allows.
    pub(crate) fn encode(&mut self, first: &[u8], context: &[&[u8]]) -> Option<&[u8]> {
        self.begin(first, context, 0)?;
        Some(self.as_slice())
    }

    /// The beginning of an encoding that `more` pieces will follow.
    fn begin(&mut self, first: &[u8], context: &[&[u8]], more: usize) -> Option<()> {
        let count = context.len().saturating_add(more).saturating_add(1);
        self.put(&(count as u64).to_le_bytes())?;
        for piece in [first].iter().chain(context) {
            self.put(&(piece.len() as u64).to_le_bytes())?;
            self.put(piece)?;
        }
        Some(())
    }

    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.len.saturating_add(bytes.len());
        self.bytes.get_mut(self.len..end)?.copy_from_slice(bytes);
        self.len = end;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(first: &[u8], context: &[&[u8]]) -> Option<alloc::vec::Vec<u8>> {
        Buffer::new().encode(first, context).map(<[u8]>::to_vec)
    }

    #[test]
    fn encodes_as_paseto_does() {
        assert_eq!(encoded(b"test", &[]).unwrap(), b"\x01\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0test");
        assert_eq!(encoded(b"", &[b"ab"]).unwrap(), b"\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0ab");
    }

    #[test]
    fn moving_a_byte_between_pieces_changes_the_encoding() {
        assert_ne!(encoded(b"ab", &[b"c"]), encoded(b"a", &[b"bc"]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(encoded(&[0; LONGEST], &[]).is_none());
    }
}
