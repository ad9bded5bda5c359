//! The bound on a subject's sessions, as a store enforces it.

use waxseal_core::RowId;

/// What to do with a sign-in of a subject that has as many sessions as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverLimit {
    /// End the subject's oldest sessions: those whose sign-in is the longest ago.
    EndOldest,
    /// Refuse the sign-in. The session before it stays as it is.
    Refuse,
}

/// How many sessions a subject may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many, with the new one.
    pub sessions: u32,
    /// What to do with one too many.
    pub over: OverLimit,
    /// The id of a row of the subject's that holds no session: a database locks it, so that two sign-ins do not count at once.
    pub lock: RowId,
}

/// What became of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "only `Done` means that the session is there"]
pub enum Admission {
    /// The session is there.
    Done,
    /// The session before it was not as the sign-in needs it: nothing was written.
    Conflict,
    /// The subject has as many sessions as it may: nothing was written.
    Refused,
}
