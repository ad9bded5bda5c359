//! What a database reports about changed rows, so that a cache can drop its copies.

use async_trait::async_trait;
use waxseal_core::RowId;

use crate::StoreError;

/// What a database reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The row now has this generation.
    Changed(RowId, u64),
    /// A row was ended, deleted, or changed by another program.
    Outdated(RowId),
    /// All rows may have changed.
    All,
    /// A ping came back: everything that was committed before it was sent has been reported.
    Ping(u64),
}

/// A channel through which a database reports changed rows.
#[async_trait]
pub trait Notices: Send + Sync + 'static {
    /// Begins to listen. Changes that were committed before may not be reported.
    async fn listen(&self) -> Result<Box<dyn Listening>, StoreError>;

    /// Sends a ping through the same channel. It comes back to this process as [`Notice::Ping`], after everything that was
    /// committed before it was sent.
    async fn ping(&self, number: u64) -> Result<(), StoreError>;
}

/// A connection that listens.
#[async_trait]
pub trait Listening: Send {
    /// Waits for the next notice. An error if a notice may have been missed: the cache then starts again.
    async fn next(&mut self) -> Result<Notice, StoreError>;
}
