//! A careless store for a deliberate fault: it reads from the copy whatever generation is wanted.

use async_trait::async_trait;
use waxseal_http::{
    Admission, Found, Limit, Page, Row, RowId, Store, StoreError, Timestamp, Touch, Update, Wanted, Which,
};

use crate::network::Line;

/// Reads from the first, writes to the second.
#[derive(Debug)]
pub(crate) struct Careless(pub Line, pub Line);

#[async_trait]
impl Store for Careless {
    async fn load(&self, wanted: Wanted) -> Result<Option<Found>, StoreError> {
        if wanted.newest { self.1.load(wanted).await } else { self.0.load(wanted).await }
    }

    async fn load_many(&self, wanted: &[Wanted]) -> Result<Vec<Option<Found>>, StoreError> {
        self.0.load_many(wanted).await
    }

    async fn insert(&self, row: Row) -> Result<(), StoreError> {
        self.1.insert(row).await
    }

    async fn update(&self, update: Update<'_>) -> Result<bool, StoreError> {
        self.1.update(update).await
    }

    async fn touch(&self, id: RowId, generation: u64, touch: Touch) -> Result<bool, StoreError> {
        self.1.touch(id, generation, touch).await
    }

    async fn rotate(&self, old: RowId, generation: u64, new: Row) -> Result<bool, StoreError> {
        self.1.rotate(old, generation, new).await
    }

    async fn admit(&self, old: Option<(RowId, u64)>, new: Row, limit: Limit) -> Result<Admission, StoreError> {
        self.1.admit(old, new, limit).await
    }

    async fn end_many(&self, ids: &[RowId], now: Timestamp) -> Result<(), StoreError> {
        self.1.end_many(ids, now).await
    }

    async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.1.delete_expired(now, limit).await
    }

    async fn list_by_subject(&self, subject: &str, now: Timestamp, page: Page) -> Result<Vec<Row>, StoreError> {
        self.1.list_by_subject(subject, now, page).await
    }

    async fn delete_by_subject(&self, subject: &str, which: Which, now: Timestamp) -> Result<u64, StoreError> {
        self.1.delete_by_subject(subject, which, now).await
    }

    async fn ended_since(&self, since: Timestamp, limit: u32) -> Result<Vec<RowId>, StoreError> {
        self.1.ended_since(since, limit).await
    }

    async fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        self.1.now().await
    }

    async fn changed(&self, id: RowId) {
        self.1.changed(id).await;
    }

    fn may_be_behind(&self) -> bool {
        true
    }
}
