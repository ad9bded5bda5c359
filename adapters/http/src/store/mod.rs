//! The interface of a session store: distinct verbs, so that no save can create a row and no read can hide a failure.

use std::fmt;

use async_trait::async_trait;
use waxseal_core::{RowId, Timestamp};

mod admission;
#[cfg(feature = "cache")]
mod cached;
mod error;
#[cfg(feature = "metrics")]
mod measured;
mod memory;
mod replicated;
mod row;
mod wanted;

pub use admission::{Admission, Limit, OverLimit};
#[cfg(feature = "cache")]
pub use cached::{Cached, Listening, Notice, Notices};
pub use error::StoreError;
#[cfg(feature = "metrics")]
pub(crate) use measured::Measured;
pub use memory::MemoryStore;
pub use replicated::Replicated;
pub(crate) use row::no_sessions_id;
pub use row::{ASKED_AGAIN, Found, Page, Row, TOMBSTONE_S, Touch, Update, Which};
pub use wanted::Wanted;

/// A session store.
///
/// Object-safe, so that [`Sessions`](crate::Sessions), and with it every handler's `Session`, is one plain type, whatever the
/// store. The boxed future that this costs (some 20 ns) is negligible beside a database call.
///
/// Every verb must be atomic. Compare ids and subjects as bytes, times as integers. `load` may return expired rows: the engine
/// checks expiry after every load. But `update`, `touch` and `rotate` must not change an expired row.
///
/// A session that is ended or renewed leaves a tombstone ([`Found::Ended`]): no data, no subject, and a time after which
/// `delete_expired` deletes it. For `update`, `touch`, `rotate`, `list_by_subject` and `delete_by_subject`, a tombstone is not
/// there.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Loads what is stored under an id, at least as new as wanted. If a store's answer may be old and is not new enough
    /// ([`Wanted::is_met_by`]), the store must read the newest state; if that is not possible, it must fail.
    async fn load(&self, wanted: Wanted) -> Result<Option<Found>, StoreError>;

    /// Loads what is stored under each of these ids, in their order. One statement, if the first answer is new enough.
    async fn load_many(&self, wanted: &[Wanted]) -> Result<Vec<Option<Found>>, StoreError>;

    /// Inserts a new row. Never overwrites a row or a tombstone: that is [`StoreError::AlreadyExists`].
    async fn insert(&self, row: Row) -> Result<(), StoreError>;

    /// Saves data if the row exists, has the given generation and is live, and raises the generation by one. `false` if not:
    /// nothing was written. Never inserts.
    async fn update(&self, update: Update<'_>) -> Result<bool, StoreError>;

    /// Moves `seen_at` and the idle expiry of a row that exists, has the given generation, is live at `touch.seen_at` and was
    /// last seen before that. `false` if not: nothing was written. Changes nothing else, not even the generation.
    async fn touch(&self, id: RowId, generation: u64, touch: Touch) -> Result<bool, StoreError>;

    /// In one transaction: ends the row `old` if it has `generation` and is live at `new.seen_at`, leaving a tombstone with that
    /// time, and inserts `new`. `false` if the old row did not meet this: nothing was written.
    async fn rotate(&self, old: RowId, generation: u64, new: Row) -> Result<bool, StoreError>;

    /// Signs in a subject whose sessions are limited, in one transaction: [`insert`](Self::insert), or [`rotate`](Self::rotate)
    /// if `old` gives a row and its generation; then, if the subject has too many live sessions, whatever `limit` says. Sign-ins
    /// at the same time must count each other.
    async fn admit(&self, old: Option<(RowId, u64)>, new: Row, limit: Limit) -> Result<Admission, StoreError>;

    /// Ends sessions. Afterwards each id has a tombstone of `now`, to the millisecond, even if there was no row. A tombstone of a
    /// later time stays as it is: an end may arrive late. One statement.
    async fn end_many(&self, ids: &[RowId], now: Timestamp) -> Result<(), StoreError>;

    /// Deletes at most `limit` rows whose idle expiry has passed and tombstones that are old enough. Returns how many.
    async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// Lists a page of the subject's rows that are live at `now`, by `seen_at` and then `id`, both descending, with empty `data`.
    async fn list_by_subject(&self, subject: &str, now: Timestamp, page: Page) -> Result<Vec<Row>, StoreError>;

    /// Ends the subject's sessions, leaving tombstones of `now`. Returns how many. A session that is renewed at the same time
    /// must be ended under its old id or its new one: it must not be missed in between.
    async fn delete_by_subject(&self, subject: &str, which: Which, now: Timestamp) -> Result<u64, StoreError>;

    /// The ids of at most `limit` tombstones from `since` or later. For the feed of ended sessions.
    async fn ended_since(&self, since: Timestamp, limit: u32) -> Result<Vec<RowId>, StoreError>;

    /// The time by the clock that all nodes share: the database's. `None` if the node's own clock is that clock.
    async fn now(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Waits until the row may have changed: for a notice from the database if there are notices, else for a few seconds.
    async fn changed(&self, id: RowId);

    /// Whether an answer may be older than what another node, or an earlier request, has written. Cookies are then issued again
    /// at every save, so that they always name the newest generation.
    fn may_be_behind(&self) -> bool;
}

impl fmt::Debug for dyn Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dyn Store")
    }
}

#[async_trait]
impl<S: Store + ?Sized> Store for std::sync::Arc<S> {
    async fn load(&self, wanted: Wanted) -> Result<Option<Found>, StoreError> {
        (**self).load(wanted).await
    }

    async fn load_many(&self, wanted: &[Wanted]) -> Result<Vec<Option<Found>>, StoreError> {
        (**self).load_many(wanted).await
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

    async fn admit(&self, old: Option<(RowId, u64)>, new: Row, limit: Limit) -> Result<Admission, StoreError> {
        (**self).admit(old, new, limit).await
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

    async fn ended_since(&self, since: Timestamp, limit: u32) -> Result<Vec<RowId>, StoreError> {
        (**self).ended_since(since, limit).await
    }

    async fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        (**self).now().await
    }

    async fn changed(&self, id: RowId) {
        (**self).changed(id).await;
    }

    fn may_be_behind(&self) -> bool {
        (**self).may_be_behind()
    }
}
