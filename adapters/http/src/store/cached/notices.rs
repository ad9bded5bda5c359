//! What a database tells of changed rows, so that a cache can forget its copies.

use async_trait::async_trait;
use waxseal_core::RowId;

use crate::StoreError;

/// What a database tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A row has this generation now.
    Changed(RowId, u64),
    /// A row was ended, deleted, or changed by another program.
    Outdated(RowId),
    /// All rows may have changed.
    All,
    /// A ping came back: whatever was committed before it was sent has been told.
    Ping(u64),
}

/// A channel through which a database tells of changed rows, in the order in which the changes are committed.
#[async_trait]
pub trait Notices: Send + Sync + 'static {
    /// Begins to listen. What was committed before may stay untold.
    async fn listen(&self) -> Result<Box<dyn Listening>, StoreError>;

    /// Sends a ping through the same channel. It comes back to this process as [`Notice::Ping`], after all that was committed before
    /// it was sent.
    async fn ping(&self, number: u64) -> Result<(), StoreError>;
}

/// A connection that listens.
#[async_trait]
pub trait Listening: Send {
    /// Waits for the next notice. An error where any may have been missed: the cache then begins anew.
    async fn next(&mut self) -> Result<Notice, StoreError>;
}
