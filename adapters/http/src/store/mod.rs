//! What a session store does: distinct verbs, so that no save can create a row and no read can hide a failure.

use std::{error::Error, fmt};

use async_trait::async_trait;
use waxseal_core::{RowId, Timestamp};

mod memory;

pub use memory::MemoryStore;

/// A row as a store holds it. Only `data` are secret, and they are sealed; the store cannot open them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The row's id: 16 bytes, compared as bytes.
    pub id: RowId,
    /// The row's version number, for compare-and-swap; 1 when inserted.
    pub generation: u64,
    /// Whose session it is, compared byte by byte.
    pub subject: Option<String>,
    /// A device's name for the list of sessions.
    pub label: Option<String>,
    /// When the session was created; milliseconds count.
    pub created_at: Timestamp,
    /// The lifetime, in seconds.
    pub lifetime_s: u64,
    /// When the session was last used, as far as touches tell; whole seconds.
    pub seen_at: Timestamp,
    /// The idle expiry, never past the end of the lifetime; whole seconds. What the sweeper goes by.
    pub expires_at: Timestamp,
    /// The sealed (or signed) data. Empty in a list.
    pub data: Vec<u8>,
}

impl Row {
    /// When the session ends whatever happens.
    pub fn deadline(&self) -> Timestamp {
        self.created_at.plus_seconds(self.lifetime_s)
    }

    /// Whether the session has ended at `now`, by its idle expiry or its lifetime.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now.has_reached(self.expires_at) || now.has_reached(self.deadline())
    }
}

/// For how many seconds a store remembers that a session was ended: longer than any request should run. A request that began
/// before the end, and presents the old cookie, must not start a new session with what it writes.
pub const TOMBSTONE_S: u64 = 600;

/// What a store has under an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A session, live or expired.
    Session(Row),
    /// A tombstone: the session was ended or renewed at this time (whole seconds, but for [`Store::end_many`]), less than [`TOMBSTONE_S`] ago. It holds no
    /// data and no subject.
    Ended(Timestamp),
}

impl Found {
    /// The session's row, where it was not ended.
    pub fn session(self) -> Option<Row> {
        match self {
            Self::Session(row) => Some(row),
            Self::Ended(_) => None,
        }
    }
}

/// When a session was used and until when that keeps it.
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
    /// Which row.
    pub id: RowId,
    /// The generation that the row must still have; the save sets the next.
    pub generation: u64,
    /// The row must not have expired by this time.
    pub now: Timestamp,
    /// The new sealed data.
    pub data: &'a [u8],
    /// A new label, or the present one.
    pub label: Option<&'a str>,
    /// New times, or the present ones: within the touch interval the expiry stays, and so does its index entry.
    pub touch: Option<Touch>,
}

/// Which of a subject's sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// All but this one.
    AllBut(RowId),
    /// This one, where it is the subject's.
    Only(RowId),
}

/// A part of a subject's sessions, the most recently seen first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many sessions at most.
    pub limit: u32,
    /// Only sessions behind this one: when it was last seen, and its id.
    pub after: Option<(Timestamp, RowId)>,
}

impl Page {
    /// The first `limit` sessions.
    pub const fn first(limit: u32) -> Self {
        Self { limit, after: None }
    }
}

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

/// A session store.
///
/// Object-safe, so that [`Sessions`](crate::Sessions) and with it every handler's `Session` is one plain type, whatever the
/// store; the boxed future that this costs (some 20 ns) disappears beside any database call.
///
/// Every verb must be atomic. Ids and subjects are compared as bytes, times as integers. What has expired may be returned: the
/// engine decides expiry after every load. But `update`, `touch` and `rotate` must leave an expired row as it is.
///
/// A session that is ended or renewed leaves a tombstone ([`Found::Ended`]): no data, no subject, and a time after which
/// `delete_expired` takes it away. No verb but `load` and `insert` sees it.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// What is kept under this id.
    async fn load(&self, id: RowId) -> Result<Option<Found>, StoreError>;

    /// What is kept under each of these ids, in their order; one statement.
    async fn load_many(&self, ids: &[RowId]) -> Result<Vec<Option<Found>>, StoreError>;

    /// Inserts a new row. Never overwrites, not even a tombstone: [`StoreError::AlreadyExists`].
    async fn insert(&self, row: Row) -> Result<(), StoreError>;

    /// Saves data where the row exists, has the given generation and is live; raises the generation by one. `false` where it
    /// was not so: nothing was written. Never inserts.
    async fn update(&self, update: Update<'_>) -> Result<bool, StoreError>;

    /// Moves `seen_at` and the idle expiry of a row that exists, has the given generation, is live at `touch.seen_at` and was
    /// last seen before it. `false` where it was not so. Changes nothing else, not even the generation.
    async fn touch(&self, id: RowId, generation: u64, touch: Touch) -> Result<bool, StoreError>;

    /// In one transaction: ends the row `old` where it has `generation` and is live at `new.seen_at`, leaving a tombstone of that
    /// time, and inserts `new`. `false` where the old row was not so: nothing was written.
    async fn rotate(&self, old: RowId, generation: u64, new: Row) -> Result<bool, StoreError>;

    /// Ends sessions: afterwards each id has a tombstone of `now`, also where there was no row. Its milliseconds count. One
    /// statement.
    async fn end_many(&self, ids: &[RowId], now: Timestamp) -> Result<(), StoreError>;

    /// Deletes at most `limit` rows whose idle expiry has come, and tombstones whose time has; tells how many.
    async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// A page of the subject's rows that are live at `now`, by `seen_at` and then `id`, both descending, with empty `data`.
    async fn list_by_subject(&self, subject: &str, now: Timestamp, page: Page) -> Result<Vec<Row>, StoreError>;

    /// Ends the subject's sessions, leaving tombstones of `now`; tells how many. A session that is renewed at the same time is
    /// ended under its old id or its new one: it must not slip through between the two.
    async fn delete_by_subject(&self, subject: &str, which: Which, now: Timestamp) -> Result<u64, StoreError>;
}

impl fmt::Debug for dyn Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dyn Store")
    }
}

#[async_trait]
impl<S: Store + ?Sized> Store for std::sync::Arc<S> {
    async fn load(&self, id: RowId) -> Result<Option<Found>, StoreError> {
        (**self).load(id).await
    }

    async fn load_many(&self, ids: &[RowId]) -> Result<Vec<Option<Found>>, StoreError> {
        (**self).load_many(ids).await
    }

    async fn insert(&self, row: Row) -> Result<(), StoreError> {
        (**self).insert(row).await
    }

    async fn update(&self, update: Update<'_>) -> Result<bool, StoreError> {
        (**self).update(update).await
    }

    async fn touch(&self, id: RowId, generation: u64, touch: Touch) -> Result<bool, StoreError> {
        (**self).touch(id, generation, touch).await
    }

    async fn rotate(&self, old: RowId, generation: u64, new: Row) -> Result<bool, StoreError> {
        (**self).rotate(old, generation, new).await
    }

    async fn end_many(&self, ids: &[RowId], now: Timestamp) -> Result<(), StoreError> {
        (**self).end_many(ids, now).await
    }

    async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        (**self).delete_expired(now, limit).await
    }

    async fn list_by_subject(&self, subject: &str, now: Timestamp, page: Page) -> Result<Vec<Row>, StoreError> {
        (**self).list_by_subject(subject, now, page).await
    }

    async fn delete_by_subject(&self, subject: &str, which: Which, now: Timestamp) -> Result<u64, StoreError> {
        (**self).delete_by_subject(subject, which, now).await
    }
}
