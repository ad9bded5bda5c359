//! What a store holds and is asked to change: rows, tombstones, touches, updates.

use std::{fmt, time::Duration};

use waxseal_core::{RowId, Timestamp};

/// A row as a store holds it. Only `data` are secret, and they are sealed; the store cannot open them.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// The row's id: 16 bytes, compared as bytes.
    pub id: RowId,
    /// The row's version number, for compare-and-swap; 1 when inserted.
    pub generation: u64,
    /// Whose session it is, compared byte by byte.
    pub subject: Option<String>,
    /// A device's name for the list of sessions.
    pub label: Option<String>,
    /// When the session was created, to the millisecond.
    pub created_at: Timestamp,
    /// The lifetime, in seconds.
    pub lifetime_s: u64,
    /// When the session was last used, as recorded by touches; whole seconds.
    pub seen_at: Timestamp,
    /// The idle expiry, never past the end of the lifetime; whole seconds. The sweeper deletes by it.
    pub expires_at: Timestamp,
    /// The sealed (or signed) data. Empty in a list.
    pub data: Vec<u8>,
}

impl fmt::Debug for Row {
    /// Without the data: signed ones can be read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("id", &self.id)
            .field("generation", &self.generation)
            .field("subject", &self.subject)
            .field("label", &self.label)
            .field("created_at", &self.created_at)
            .field("lifetime_s", &self.lifetime_s)
            .field("seen_at", &self.seen_at)
            .field("expires_at", &self.expires_at)
            .field("data", &format_args!("{} bytes", self.data.len()))
            .finish()
    }
}

impl Row {
    /// When the session ends, however much it is used.
    pub fn deadline(&self) -> Timestamp {
        self.created_at.plus_seconds(self.lifetime_s)
    }

    /// Whether the session has expired at `now`, by its idle timeout or its lifetime.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now.has_reached(self.expires_at) || now.has_reached(self.deadline())
    }
}

/// An id that no session has, with these bits: a UUID of version 8 (RFC 9562, 5.8). Sessions have version 7.
pub(crate) fn no_sessions_id(bits: u128) -> RowId {
    let bits = (bits & !(0xf << 76)) | (0x8 << 76);
    RowId::from_bytes(((bits & !(0b11 << 62)) | (0b10 << 62)).to_be_bytes())
}

/// For how many seconds a store remembers that a session was ended: longer than any request should run. A request that began
/// before the end, and presents the old cookie, must not start a new session with its writes.
pub const TOMBSTONE_S: u64 = 900;

/// How long a store without notices waits before it is asked again whether a session has ended.
pub const ASKED_AGAIN: Duration = Duration::from_secs(3);

/// What a store found under an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A session, live or expired.
    Session(Row),
    /// A tombstone: the session was ended or renewed at this time, less than [`TOMBSTONE_S`] seconds ago. The time is in whole
    /// seconds, except for [`Store::end_many`](crate::Store::end_many). It holds no data and no subject.
    Ended(Timestamp),
}

impl Found {
    /// The session's row, unless the session was ended.
    pub fn session(self) -> Option<Row> {
        match self {
            Self::Session(row) => Some(row),
            Self::Ended(_) => None,
        }
    }
}

/// When a session was used, and until when that keeps it alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// When it was used; whole seconds.
    pub seen_at: Timestamp,
    /// Its new idle expiry; whole seconds.
    pub expires_at: Timestamp,
}

/// A save of changed data at a generation.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a> {
    /// The row's id.
    pub id: RowId,
    /// The generation that the row must still have. The save raises it by one.
    pub generation: u64,
    /// The row must not have expired at this time.
    pub now: Timestamp,
    /// The new sealed data.
    pub data: &'a [u8],
    /// A new label. `None` keeps the present one.
    pub label: Option<&'a str>,
    /// New times. `None` keeps the present ones: within the touch interval neither the expiry nor its index entry changes.
    pub touch: Option<Touch>,
}

/// Which of a subject's sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// All but this one.
    AllBut(RowId),
    /// This one, if it is the subject's.
    Only(RowId),
}

/// A part of a subject's sessions, the most recently seen first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The maximum number of sessions.
    pub limit: u32,
    /// Only sessions after this one, given by its `seen_at` and its id.
    pub after: Option<(Timestamp, RowId)>,
}

impl Page {
    /// The first `limit` sessions.
    pub const fn first(limit: u32) -> Self {
        Self { limit, after: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_has_no_data() {
        let row = Row {
            id: RowId::from_bytes([7; 16]),
            generation: 1,
            subject: None,
            label: None,
            created_at: Timestamp::default(),
            lifetime_s: 1,
            seen_at: Timestamp::default(),
            expires_at: Timestamp::default(),
            data: b"hunter2".to_vec(),
        };
        let shown = format!("{:?}", Found::Session(row));
        assert!(shown.contains("7 bytes") && !shown.contains("104"), "{shown}");
    }
}
