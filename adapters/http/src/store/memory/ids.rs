//! How the store in memory hashes row ids: it uses the random bits that they already have.

use std::hash::{BuildHasherDefault, Hasher};

use waxseal_core::RowId;

pub(super) type IdHashing = BuildHasherDefault<IdHasher>;

/// Hashes a [`RowId`] by its last 8 bytes, 62 of whose bits come from a SHA-256 hash of the session's secret.
///
/// The server draws the secrets, and refuses a cookie that it did not seal before the store is asked. So a client can neither
/// choose ids that fall into one bucket nor look up made-up ids, and a keyed hash would protect nothing. (Collecting sessions
/// whose ids happen to collide is slow: to make a bucket n ids too long takes n times as many sessions as there are buckets, and
/// they expire in the meantime.)
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(tail) = bytes.last_chunk() {
            self.0 = u64::from_be_bytes(*tail);
        }
    }

    /// The table uses the lowest and the highest bits. The two highest of an id's tail are the UUID's variant, always the same:
    /// the product makes the high bits depend on all others, and leaves the lowest as random as they are.
    fn finish(&self) -> u64 {
        self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

/// Which of `parts` (a power of two) an id belongs to. Uses other bits than those that choose the bucket.
pub(super) fn part(id: RowId, parts: usize) -> usize {
    let [.., a, b, _, _, _, _] = *id.as_bytes();
    usize::from(u16::from_be_bytes([a, b])) & (parts - 1)
}

/// The smallest and the largest id, for ranges.
pub(super) const FIRST: RowId = RowId::from_bytes([0; 16]);
pub(super) const LAST: RowId = RowId::from_bytes([255; 16]);

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, hash::BuildHasher};

    use waxseal_core::{Secret, Timestamp};

    use super::*;

    #[test]
    fn ids_spread_over_parts_buckets_and_tags() {
        let ids: Vec<RowId> = (0..4096u32)
            .map(|n| {
                let mut secret = [0; 32];
                secret[..4].copy_from_slice(&n.to_be_bytes());
                RowId::derive(&Secret::from_bytes(secret), Timestamp::from_unix_ms(1_790_000_000_000))
            })
            .collect();
        let hash = |id: &RowId| IdHashing::default().hash_one(id);
        let mut parts = [0; 16];
        for id in &ids {
            parts[part(*id, 16)] += 1;
        }
        assert!(parts.iter().all(|n| (180..340).contains(n)), "{parts:?}");
        // Within one part: about 256 ids over 256 buckets and 128 tags.
        let one: Vec<u64> = ids.iter().filter(|id| part(**id, 16) == 0).map(hash).collect();
        let distinct = |bits: fn(u64) -> u64| one.iter().map(|hash| bits(*hash)).collect::<HashSet<_>>().len();
        assert!(distinct(|hash| hash & 255) > 130);
        assert!(distinct(|hash| hash >> 57) > 90);
    }
}
