//! Base64url without padding, in its one canonical spelling (RFC 4648, sections 3.5 and 5), and postcard into a buffer.

use alloc::{string::String, vec::Vec};

use base64_simd::URL_SAFE_NO_PAD;
use postcard::{
    de_flavors,
    ser_flavors::{Flavor, Size},
};
use serde::{Deserialize, Serialize};

pub(crate) fn to_base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// Decodes `text`. `None` if it is not in the canonical spelling. Allocates exactly the decoded length.
///
/// Not constant-time: it reads the client's own cookie, so its timing tells the client nothing.
pub(crate) fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode_to_vec(text).ok()
}

/// How many bytes `value` takes up in postcard.
pub(crate) fn postcard_size(value: &impl Serialize) -> Result<usize, postcard::Error> {
    postcard::serialize_with_flavor(value, Size::default())
}

/// Appends `value` to `buffer`, which the caller has sized: a buffer that grows would leave a copy of a secret behind.
pub(crate) fn postcard_append(value: &impl Serialize, buffer: &mut Vec<u8>) -> Result<(), postcard::Error> {
    postcard::serialize_with_flavor(value, Append(buffer))
}

struct Append<'a>(&'a mut Vec<u8>);

impl Flavor for Append<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Reads a value that takes up all of `bytes`, in its canonical encoding.
pub(crate) fn postcard_read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Option<T> {
    let mut deserializer = postcard::Deserializer::from_flavor(Canonical { rest: bytes, continues: false });
    let value = T::deserialize(&mut deserializer).ok()?;
    deserializer.finalize().ok()?.is_empty().then_some(value)
}

/// Refuses varints that are longer than necessary: their last byte is zero. Postcard reads single bytes only for varints,
/// booleans and the tags of options, so a byte with the top bit set is always followed by the next byte of the same varint.
struct Canonical<'de> {
    rest: &'de [u8],
    /// The last byte belongs to a varint that goes on.
    continues: bool,
}

impl<'de> de_flavors::Flavor<'de> for Canonical<'de> {
    type Remainder = &'de [u8];
    type Source = &'de [u8];

    #[inline]
    fn pop(&mut self) -> postcard::Result<u8> {
        let (byte, rest) = self.rest.split_first().ok_or(postcard::Error::DeserializeUnexpectedEnd)?;
        if self.continues && *byte == 0 {
            return Err(postcard::Error::DeserializeBadVarint);
        }
        self.continues = *byte >= 0x80;
        self.rest = rest;
        Ok(*byte)
    }

    #[inline]
    fn try_take_n(&mut self, count: usize) -> postcard::Result<&'de [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(postcard::Error::DeserializeUnexpectedEnd)?;
        self.rest = rest;
        Ok(taken)
    }

    fn finalize(self) -> postcard::Result<&'de [u8]> {
        Ok(self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_shortest_varints_are_read() {
        assert_eq!(postcard_read::<u64>(&[0xac, 0x02]), Some(300));
        assert_eq!(postcard_read::<(u64, u64)>(&[0x80, 0x01, 0]), Some((128, 0)));
        assert_eq!(postcard_read::<u64>(&[0]), Some(0));
        for overlong in [[0xac, 0x82, 0x00].as_slice(), &[0x80, 0x00], &[0x80, 0x80, 0x00]] {
            assert_eq!(postcard_read::<u64>(overlong), None);
            assert!(postcard::from_bytes::<u64>(overlong).is_ok(), "postcard alone reads it");
        }
        assert_eq!(postcard_read::<u64>(&[1, 0]), None, "a byte is left");
    }

    #[test]
    fn only_the_canonical_spelling_is_read() {
        assert_eq!(from_base64(b"AAE"), Some([0, 1].to_vec()));
        assert_eq!(from_base64(b""), Some(Vec::new()));
        for other in ["AAF", "AAE=", "AA E", "AAE\n", "A", "AA+/", "AAEAA", "\u{e9}\u{e9}"] {
            assert_eq!(from_base64(other.as_bytes()), None, "{other}");
        }
        assert_eq!(from_base64(&[0xff; 8]), None);
    }

    #[test]
    fn every_length_round_trips() {
        for len in 0..70u8 {
            let bytes: Vec<u8> = (0..len).collect();
            assert_eq!(from_base64(to_base64(&bytes).as_bytes()), Some(bytes));
        }
    }
}
