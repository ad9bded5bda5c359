//! How a store fails.

use std::error::Error;

/// Why a store failed. "Not found" is not an error: it is an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database failed or could not be reached.
    #[error("{0}")]
    Backend(#[source] Box<dyn Error + Send + Sync>),
    /// The connection to the database was lost: the change may or may not have taken effect.
    #[error("the connection was lost; the change may or may not have been made: {0}")]
    Unknown(#[source] Box<dyn Error + Send + Sync>),
    /// An insert found a row with the same id. Ids have 74 random bits, so something is wrong with the randomness.
    #[error("a session row with this id already exists")]
    AlreadyExists,
    /// The store has no room for the row. The number counts sessions and tombstones.
    #[error(
        "the session store has no room ({0} sessions and tombstones); raise its capacity or `max_bytes`, or limit the rate of sign-ins"
    )]
    Full(usize),
    /// The answer is older than what the user has already seen, and the newest state cannot be read.
    #[error("the session store is behind, and its newest state cannot be reached")]
    Behind,
    /// A row holds values that no row can have.
    #[error("the session row is damaged: {0}")]
    Damaged(&'static str),
}

impl StoreError {
    /// Wraps an error of the database behind a store.
    pub fn backend(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Backend(error.into())
    }

    /// Wraps an error of a connection that was lost while a change was under way.
    pub fn unknown(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unknown(error.into())
    }
}
