//! PASETO's pre-authentication encoding: which bytes a tag speaks for, so that no two lists of pieces give the same bytes.
//!
//! `LE64(count)`, then `LE64(len) | bytes` for each piece (PASETO specification, "Authentication Padding").

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{MAX_SUBJECT_BYTES, envelope::MAX_NAME_BYTES};

/// The longest associated data of a sealed envelope: a row's context with the longest subject, or a cookie's with the
/// longest name, beside count, lengths and header. A stack buffer of this size keeps verification free of allocation.
const LONGEST: usize = 168 + if MAX_SUBJECT_BYTES > MAX_NAME_BYTES { MAX_SUBJECT_BYTES } else { MAX_NAME_BYTES };

/// Writes PAE(`first`, `context`…, `last`…) into a MAC, in as few runs as can be: short ones cost a MAC more than their bytes.
/// Nothing where `first` and `context` are over the longest that the format allows.
pub(crate) fn write(mac: &mut Hmac<Sha256>, first: &[u8], context: &[&[u8]], last: &[&[u8]]) -> Option<()> {
    let mut buffer = Buffer::with_count(first, context, last.len())?;
    for piece in last {
        buffer.put(&(piece.len() as u64).to_le_bytes());
        if buffer.overflow {
            return None;
        }
        mac.update(buffer.as_slice());
        mac.update(piece);
        buffer.len = 0;
    }
    Some(())
}

/// An encoding in one run, on the stack, as AES-GCM wants its associated data.
pub(crate) struct Buffer {
    bytes: [u8; LONGEST],
    len: usize,
    overflow: bool,
}

impl Buffer {
    /// PAE(`first`, `context`…), or nothing where it is over the longest that the format allows.
    pub(crate) fn of(first: &[u8], context: &[&[u8]]) -> Option<Self> {
        Self::with_count(first, context, 0)
    }

    /// The beginning of an encoding that `more` pieces will follow.
    fn with_count(first: &[u8], context: &[&[u8]], more: usize) -> Option<Self> {
        let mut buffer = Self { bytes: [0; LONGEST], len: 0, overflow: false };
        let count = context.len().saturating_add(more).saturating_add(1);
        buffer.put(&(count as u64).to_le_bytes());
        for piece in [first].iter().chain(context) {
            buffer.put(&(piece.len() as u64).to_le_bytes());
            buffer.put(piece);
        }
        (!buffer.overflow).then_some(buffer)
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn put(&mut self, bytes: &[u8]) {
        let end = self.len.saturating_add(bytes.len());
        match self.bytes.get_mut(self.len..end) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.len = end;
            }
            None => self.overflow = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_as_paseto_does() {
        let buffer = Buffer::of(b"test", &[]).unwrap();
        assert_eq!(buffer.as_slice(), b"\x01\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0test");
        let buffer = Buffer::of(b"", &[b"ab"]).unwrap();
        assert_eq!(buffer.as_slice(), b"\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0ab");
    }

    #[test]
    fn moving_a_byte_between_pieces_changes_the_encoding() {
        let (a, b) = (Buffer::of(b"ab", &[b"c"]).unwrap(), Buffer::of(b"a", &[b"bc"]).unwrap());
        assert_ne!(a.as_slice(), b.as_slice());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(Buffer::of(&[0; LONGEST], &[]).is_none());
    }
}
