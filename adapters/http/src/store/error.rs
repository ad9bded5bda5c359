//! How a store fails.

use std::error::Error;

/// A store failed. Never for "not there": that is an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database failed or could not be reached.
    #[error("{0}")]
    Backend(#[source] Box<dyn Error + Send + Sync>),
    /// The connection to the database was lost: the change may or may not have been made.
    #[error("the connection was lost, and with it whether the change was made: {0}")]
    Unknown(#[source] Box<dyn Error + Send + Sync>),
    /// An insert met a row of the same id. Ids come from 74 random bits, so something is wrong with the randomness.
    #[error("a session row of this id exists already")]
    AlreadyExists,
    /// The store has a bound on its rows and is full of live ones.
    #[error("the session store is full ({0} live sessions)")]
    Full(usize),
    /// The answer is older than what the user has seen already, and the newest state cannot be had.
    #[error("the session store is behind, and its newest state cannot be reached")]
    Behind,
    /// A row holds what no row can hold.
    #[error("the session row is damaged: {0}")]
    Damaged(&'static str),
}

impl StoreError {
    /// A failure of the database behind a store.
    pub fn backend(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Backend(error.into())
    }

    /// A connection that was lost while a change was under way.
    pub fn unknown(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unknown(error.into())
    }
}
