//! How new an answer must be.

use waxseal_core::RowId;

use super::Found;

/// A row to load, and how new the answer must be (rule R19).
///
/// A cookie holds the generation that its row had when it was issued. An older answer is outdated: a replica has not caught up,
/// or a cache has an old copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The row's id.
    pub id: RowId,
    /// The lowest generation that is acceptable.
    pub at_least: u64,
    /// Only the newest state is acceptable, whatever its generation.
    pub newest: bool,
}

impl Wanted {
    /// The row at this generation or a later one, or its tombstone.
    pub const fn at_least(id: RowId, generation: u64) -> Self {
        Self { id, at_least: generation, newest: false }
    }

    /// The newest state of the row.
    pub const fn newest(id: RowId) -> Self {
        Self { id, at_least: 0, newest: true }
    }

    /// Whether an answer that may be old is acceptable. A missing row never is: it may not have arrived yet.
    pub fn is_met_by(&self, found: Option<&Found>) -> bool {
        match found {
            _ if self.newest => false,
            Some(Found::Session(row)) => row.generation >= self.at_least,
            Some(Found::Ended(_)) => true,
            None => false,
        }
    }
}
