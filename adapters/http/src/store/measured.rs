//! A store wrapper that measures each call.

use std::time::Instant;

use async_trait::async_trait;
use waxseal_core::{RowId, Timestamp};

use super::{Admission, Found, Limit, Page, Row, Store, StoreError, Touch, Update, Wanted, Which};
use crate::metrics;

/// Measures each call of the store, cached answers included.
pub(crate) struct Measured<S>(pub(crate) S);

/// Runs a call and records how long it took. A cancelled call is recorded too: its user had to wait that long.
async fn measured<T>(call: &'static str, future: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let mut running = Running { call, begun: Instant::now(), result: "given_up" };
    let result = future.await;
    running.result = match &result {
        Ok(_) => "ok",
        Err(StoreError::Unknown(_)) => "unknown",
        Err(StoreError::Behind) => "behind",
        Err(_) => "failed",
    };
    result
}

struct Running {
    call: &'static str,
    begun: Instant,
    result: &'static str,
}

impl Drop for Running {
    fn drop(&mut self) {
        metrics::store_call(self.call, self.result, self.begun.elapsed());
    }
}

#[async_trait]
impl<S: Store> Store for Measured<S> {
    async fn load(&self, wanted: Wanted) -> Result<Option<Found>, StoreError> {
        measured("load", self.0.load(wanted)).await
    }

    async fn load_many(&self, wanted: &[Wanted]) -> Result<Vec<Option<Found>>, StoreError> {
        measured("load", self.0.load_many(wanted)).await
    }

    async fn insert(&self, row: Row) -> Result<(), StoreError> {
        measured("insert", self.0.insert(row)).await
    }

    async fn update(&self, update: Update<'_>) -> Result<bool, StoreError> {
        measured("update", self.0.update(update)).await
    }

    async fn touch(&self, id: RowId, generation: u64, touch: Touch) -> Result<bool, StoreError> {
        measured("touch", self.0.touch(id, generation, touch)).await
    }

    async fn rotate(&self, old: RowId, generation: u64, new: Row) -> Result<bool, StoreError> {
        measured("rotate", self.0.rotate(old, generation, new)).await
    }

    async fn admit(&self, old: Option<(RowId, u64)>, new: Row, limit: Limit) -> Result<Admission, StoreError> {
        measured("admit", self.0.admit(old, new, limit)).await
    }

    async fn end_many(&self, ids: &[RowId], now: Timestamp) -> Result<(), StoreError> {
        measured("end", self.0.end_many(ids, now)).await
    }

    async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        measured("delete_expired", self.0.delete_expired(now, limit)).await
    }

    async fn list_by_subject(&self, subject: &str, now: Timestamp, page: Page) -> Result<Vec<Row>, StoreError> {
        measured("list", self.0.list_by_subject(subject, now, page)).await
    }

    async fn delete_by_subject(&self, subject: &str, which: Which, now: Timestamp) -> Result<u64, StoreError> {
        measured("end_subject", self.0.delete_by_subject(subject, which, now)).await
    }

    async fn ended_since(&self, since: Timestamp, limit: u32) -> Result<Vec<RowId>, StoreError> {
        measured("ended_since", self.0.ended_since(since, limit)).await
    }

    async fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        measured("now", self.0.now()).await
    }

    async fn changed(&self, id: RowId) {
        self.0.changed(id).await;
    }

    fn may_be_behind(&self) -> bool {
        self.0.may_be_behind()
    }
}
