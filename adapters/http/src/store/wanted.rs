//! How new an answer must be.

use waxseal_core::RowId;

use super::Found;

/// A row that is asked for, and how new the answer must be (rule R19).
///
/// A cookie knows the generation that its row had when it was issued. An answer that is older than this is not the truth: a replica
/// has not caught up, or a cache has an old copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The row's id.
    pub id: RowId,
    /// The least generation that counts.
    pub at_least: u64,
    /// Only the newest state counts, whatever its generation.
    pub newest: bool,
}

impl Wanted {
    /// The row at this generation or a later one, or its end.
    pub const fn at_least(id: RowId, generation: u64) -> Self {
        Self { id, at_least: generation, newest: false }
    }

    /// The newest state of the row.
    pub const fn newest(id: RowId) -> Self {
        Self { id, at_least: 0, newest: true }
    }

    /// Whether an answer that may be old will do. A missing row never will: it may be on its way.
    pub fn is_met_by(&self, found: Option<&Found>) -> bool {
        match found {
            _ if self.newest => false,
            Some(Found::Session(row)) => row.generation >= self.at_least,
            Some(Found::Ended(_)) => true,
            None => false,
        }
    }
}
