//! The bound on the number of a subject's sessions, as a store enforces it.

use waxseal_core::{RowId, Timestamp};

use super::Row;

/// What to do with a sign-in of a subject that already has as many sessions as allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverLimit {
    /// End the subject's oldest sessions: those that were signed in first.
    EndOldest,
    /// Refuse the sign-in. The session before the sign-in stays as it is.
    Refuse,
}

/// How many sessions a subject may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many, including the new one.
    pub sessions: u32,
    /// What to do with a session too many.
    pub over: OverLimit,
    /// The id of one of the subject's rows that holds no session. A database locks it, so that two sign-ins do not count at once.
    pub lock: RowId,
    /// A session that was last seen at this second or before has ended, whatever its row says: the present maximum of idle timeouts
    /// applies.
    pub seen_after: Timestamp,
    /// A session that was created at this time or before has ended, whatever its row says: the present maximum of lifetimes applies.
    pub created_after: Timestamp,
}

impl Limit {
    /// Whether a row is a session that counts.
    pub fn counts(&self, row: &Row, now: Timestamp) -> bool {
        !row.is_expired(now) && row.seen_at > self.seen_after && row.created_at > self.created_after
    }
}

/// The result of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "only `Done` means that the session is there"]
pub enum Admission {
    /// The session was made.
    Done,
    /// The session before it was not in the state that the sign-in requires: nothing was written.
    Conflict,
    /// The subject already has as many sessions as allowed: nothing was written.
    Refused,
}
