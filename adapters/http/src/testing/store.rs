//! A store in memory that a test can make fail.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use waxseal_core::{RowId, Timestamp};

use crate::{Admission, Found, Limit, MemoryStore, Page, Row, Store, StoreError, Touch, Update, Wanted, Which};

/// A store in memory that a test can switch off, to see what the application answers while the database is down. Clones share
/// the rows and the switch.
#[derive(Clone, Debug, Default)]
pub struct TestStore {
    store: Arc<MemoryStore>,
    down: Arc<AtomicBool>,
}

impl TestStore {
    /// A store that works.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes every call fail, or work again.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    fn up(&self) -> Result<&MemoryStore, StoreError> {
        match self.down.load(Ordering::SeqCst) {
            true => Err(StoreError::backend("a test has switched the store off")),
            false => Ok(&self.store),
        }
    }
}

#[async_trait]
impl Store for TestStore {
    async fn load(&self, wanted: Wanted) -> Result<Option<Found>, StoreError> {
        self.up()?.load(wanted).await
    }

    async fn load_many(&self, wanted: &[Wanted]) -> Result<Vec<Option<Found>>, StoreError> {
        self.up()?.load_many(wanted).await
    }

    async fn insert(&self, row: Row) -> Result<(), StoreError> {
        self.up()?.insert(row).await
    }

    async fn update(&self, update: Update<'_>) -> Result<bool, StoreError> {
        self.up()?.update(update).await
    }

    async fn touch(&self, id: RowId, generation: u64, touch: Touch) -> Result<bool, StoreError> {
        self.up()?.touch(id, generation, touch).await
    }

    async fn rotate(&self, old: RowId, generation: u64, new: Row) -> Result<bool, StoreError> {
        self.up()?.rotate(old, generation, new).await
    }

    async fn admit(&self, old: Option<(RowId, u64)>, new: Row, limit: Limit) -> Result<Admission, StoreError> {
        self.up()?.admit(old, new, limit).await
    }

    async fn end_many(&self, ids: &[RowId], now: Timestamp) -> Result<(), StoreError> {
        self.up()?.end_many(ids, now).await
    }

    async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.up()?.delete_expired(now, limit).await
    }

    async fn list_by_subject(&self, subject: &str, now: Timestamp, page: Page) -> Result<Vec<Row>, StoreError> {
        self.up()?.list_by_subject(subject, now, page).await
    }

    async fn delete_by_subject(&self, subject: &str, which: Which, now: Timestamp) -> Result<u64, StoreError> {
        self.up()?.delete_by_subject(subject, which, now).await
    }

    async fn ended_since(&self, since: Timestamp, limit: u32) -> Result<Vec<RowId>, StoreError> {
        self.up()?.ended_since(since, limit).await
    }

    async fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        self.up()?.now().await
    }

    async fn changed(&self, id: RowId) {
        self.store.changed(id).await;
    }

    fn may_be_behind(&self) -> bool {
        self.store.may_be_behind()
    }
}
