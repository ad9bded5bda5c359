//! The row behind a ticket: its id and the envelope of its data.

use alloc::vec::Vec;
use core::{fmt, str::FromStr};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    Data, DecodeError, KeyId, Nonce, OpenError, Protection, SealError, Secret, Timestamp, encoding,
    envelope::{self, Keys},
    subject::MAX_SUBJECT_BYTES,
};

/// The id of a row: a UUID of version 7 (RFC 9562, 5.7) whose random bits are derived one-way from the session secret.
///
/// Safe to show and to log: it opens nothing, and the secret cannot be computed from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(Uuid);

impl RowId {
    /// From the 16 bytes that a database holds.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id that belongs to `secret` and a creation time.
    pub fn derive(secret: &Secret, created_at: Timestamp) -> Self {
        let created_ms = created_at.unix_ms();
        let hash = Sha256::new()
            .chain_update(b"waxseal/v1/row-id")
            .chain_update(secret.as_bytes())
            .chain_update(created_ms.to_be_bytes())
            .finalize();
        // The first 74 bits of the hash: 12 behind the version, 62 behind the variant.
        let first = hash.iter().take(10).fold(0u128, |bits, byte| (bits << 8) | u128::from(*byte)) >> 6;
        let (a, b) = (first >> 62, first & ((1 << 62) - 1));
        let time = u128::from(created_ms) & ((1 << 48) - 1);
        Self(Uuid::from_u128((time << 80) | (0x7 << 76) | (a << 64) | (0b10 << 62) | b))
    }
}

impl From<Uuid> for RowId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl From<RowId> for Uuid {
    fn from(id: RowId) -> Self {
        id.0
    }
}

impl fmt::Display for RowId {
    /// The usual spelling of a UUID, lower case with hyphens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RowId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Serialized as text in every format: for forms, paths and JSON.
impl Serialize for RowId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Read from text in every format. An error does not show the text.
impl<'de> Deserialize<'de> for RowId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(RowIdText)
    }
}

struct RowIdText;

impl Visitor<'_> for RowIdText {
    type Value = RowId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the id of a session's row: a UUID as text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RowId, E> {
        text.parse().map_err(|_| E::custom("not the id of a session's row: that is a UUID as text"))
    }
}

/// What a row's data are bound to. Data that were moved to another id, user, generation, creation time or lifetime do not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowContext<'a> {
    /// The row's id.
    pub row_id: RowId,
    /// The row's version number.
    pub generation: u64,
    /// When the session was created.
    pub created_at: Timestamp,
    /// The lifetime, in seconds.
    pub lifetime_s: u64,
    /// The subject: whose session it is.
    pub subject: Option<&'a str>,
}

/// Why a row's data were not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// The envelope did not open: the row is not this ticket's, or it was changed in the database.
    #[error("the row's data: {0}")]
    Envelope(#[from] OpenError),
    /// The row is older than its ticket: a replica that lags, a restored backup, or an old row that somebody put back.
    #[error("the row is of generation {row}, older than its ticket's {ticket}")]
    Behind {
        /// The row's generation.
        row: u64,
        /// The generation of the row when the ticket was issued.
        ticket: u64,
    },
    /// The ticket is stateless: there is no row behind it.
    #[error("the ticket is stateless: there is no row behind it")]
    Stateless,
    /// The envelope is authentic, but its contents do not decode: written by a newer version, perhaps.
    #[error("the row's data: {0}")]
    Decode(#[from] DecodeError),
}

impl RowContext<'_> {
    /// Calls `f` with the pieces of the context as FORMAT.md lists them.
    fn with<R>(&self, f: impl FnOnce(&[&[u8]]) -> R) -> R {
        f(&[
            self.row_id.as_bytes(),
            &self.generation.to_be_bytes(),
            &self.created_at.unix_ms().to_be_bytes(),
            &self.lifetime_s.to_be_bytes(),
            self.subject.unwrap_or_default().as_bytes(),
            &[u8::from(self.subject.is_some())],
        ])
    }
}

pub(crate) fn write(
    keys: &impl Keys,
    id: KeyId,
    context: &RowContext<'_>,
    data: &Data,
    protection: Protection,
    nonce: Nonce,
) -> Result<Vec<u8>, SealError> {
    if context.subject.is_some_and(|subject| subject.len() > MAX_SUBJECT_BYTES) {
        return Err(SealError::SubjectTooLong);
    }
    let wire = data.wire();
    let len = data.encoded_len();
    context.with(|context| {
        envelope::close(keys, id, context, protection, nonce, len, |buffer| encoding::postcard_append(&wire, buffer))
    })
}

pub(crate) fn open<K: Keys>(
    keys: impl FnOnce(KeyId) -> Result<K, OpenError>,
    context: &RowContext<'_>,
    data: Vec<u8>,
) -> Result<Data, RowError> {
    let contents = context.with(|context| envelope::open(keys, context, data))?;
    Ok(Data::decode(contents.as_slice())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_id_is_a_version_7_uuid_of_its_time() {
        let id = RowId::derive(&Secret::from_bytes([1; 32]), Timestamp::from_unix_ms(1_790_000_000_123));
        let uuid = Uuid::from(id);
        assert_eq!(uuid.get_version_num(), 7);
        assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
        assert_eq!(uuid.as_u128() >> 80, 1_790_000_000_123);
        let later = RowId::derive(&Secret::from_bytes([0; 32]), Timestamp::from_unix_ms(1_790_000_000_124));
        assert!(later > id);
    }

    #[test]
    fn a_row_id_is_text_to_serde() {
        let id = RowId::from_bytes([7; 16]);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, alloc::format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<RowId>(&json).unwrap(), id);
        let error = alloc::format!("{}", serde_json::from_str::<RowId>("\"hunter2\"").unwrap_err());
        assert!(error.contains("UUID") && !error.contains("hunter2"), "{error}");
    }
}
