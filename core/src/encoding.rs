//! Base64url without padding, in its one canonical spelling (RFC 4648, sections 3.5 and 5), and postcard into a buffer.

use alloc::{string::String, vec::Vec};

use base64_simd::{Out, URL_SAFE_NO_PAD};
use postcard::ser_flavors::{Flavor, Size};
use serde::Serialize;

pub(crate) fn to_base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// The bytes of `text`, or nothing where it is not the canonical spelling. Allocates just the decoded length.
///
/// Not branch-free: what it reads is the client's own cookie, so its timing tells the client nothing.
pub(crate) fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = alloc::vec![0; decoded_len(text.len())];
    let decoded = URL_SAFE_NO_PAD.decode(text, Out::from_slice(&mut bytes)).ok()?.len();
    (decoded == bytes.len()).then_some(bytes)
}

const fn decoded_len(len: usize) -> usize {
    (len / 4).saturating_mul(3).saturating_add((len % 4).saturating_mul(3) / 4)
}

/// How many bytes postcard makes of `value`.
pub(crate) fn postcard_size(value: &impl Serialize) -> Result<usize, postcard::Error> {
    postcard::serialize_with_flavor(value, Size::default())
}

/// Appends `value` to `buffer`, which the caller has sized: no growth leaves a copy of a secret behind.
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

#[cfg(test)]
mod tests {
    use super::*;

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
