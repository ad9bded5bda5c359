//! A store that reads from a replica and writes to the primary, and knows when the replica is behind.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;
use waxseal_core::{RowId, Timestamp};

use super::{Admission, Found, Limit, Page, Row, Store, StoreError, Touch, Update, Wanted, Which, no_sessions_id};
use crate::{Clock, SystemClock};

/// How old a replica's answer may be by default.
const BOUND: Duration = Duration::from_secs(1);

/// How long to wait before the replica is asked again whether the mark has arrived.
const POLL: Duration = Duration::from_millis(10);

/// A store that reads from a replica and does everything else on the primary.
///
/// A replica's answer must meet two conditions. It is not older than the cookie ([`Wanted`]), so a user's own changes are always
/// seen. And it is at most as old as a bound, so changes by others, above all the end of a session, are seen within the bound.
/// The second is measured: a mark is written to the primary, and once it has reached the replica, so has everything that was
/// written before it. While no mark has arrived in time, the primary is read. The address must lead to one replica: behind a
/// load balancer, the mark would prove only that one of several replicas has caught up.
///
/// Lists, ends and whatever the replica cannot answer in time go to the primary. So does everything else while the replica is
/// behind by more than the bound, or cannot be reached.
pub struct Replicated<P, R = P>(Arc<Inner<P, R>>);

struct Inner<P, R> {
    primary: P,
    replica: R,
    bound: Duration,
    proof: Mutex<Proof>,
}

/// What is known about the replica.
struct Proof {
    /// The id under which marks are written.
    mark: RowId,
    /// Everything that was written before this time has arrived.
    caught_up_at: Option<Instant>,
    /// A mark is on its way.
    checking: bool,
    /// The log already says that the replica is behind.
    told: bool,
}

impl Proof {
    fn new() -> Self {
        Self { mark: mark(), caught_up_at: None, checking: false, told: false }
    }
}

impl<P: Store, R: Store> Replicated<P, R> {
    /// Reads from `replica` while it is at most one second behind.
    pub fn new(primary: P, replica: R) -> Self {
        Self::with_bound(primary, replica, BOUND)
    }

    /// Reads from `replica` while it is at most `bound` behind: other devices may see a session's end that late.
    pub fn with_bound(primary: P, replica: R, bound: Duration) -> Self {
        Self(Arc::new(Inner { primary, replica, bound, proof: Mutex::new(Proof::new()) }))
    }

    /// The primary's store.
    pub fn primary(&self) -> &P {
        &self.0.primary
    }

    /// Whether the replica is known to be new enough. Starts a check if one is due.
    fn may_read_replica(&self) -> bool {
        let now = Instant::now();
        let mut proof = self.0.proof();
        let age = proof.caught_up_at.map(|at| now.saturating_duration_since(at));
        if age.is_none_or(|age| age >= self.0.bound / 2) && !proof.checking {
            proof.checking = true;
            drop(proof);
            let inner = self.0.clone();
            tokio::spawn(async move { inner.check().await });
        }
        age.is_some_and(|age| age <= self.0.bound)
    }

    /// Asks the replica. `None` if its answer is late or too old.
    async fn ask<T>(
        &self,
        question: impl Future<Output = Result<T, StoreError>>,
        is_good: impl Fn(&T) -> bool,
    ) -> Option<T> {
        match tokio::time::timeout(self.0.bound, question).await {
            Ok(Ok(answer)) => is_good(&answer).then_some(answer),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the replica failed; reading from the primary");
                self.0.proof().caught_up_at = None;
                None
            }
            Err(_) => {
                tracing::warn!("the replica does not answer; reading from the primary");
                self.0.proof().caught_up_at = None;
                None
            }
        }
    }
}

impl<P: Store, R: Store> Inner<P, R> {
    fn proof(&self) -> std::sync::MutexGuard<'_, Proof> {
        self.proof.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a mark to the primary and waits until it has reached the replica.
    async fn check(&self) {
        let from = Instant::now();
        let arrived = tokio::time::timeout(2 * self.bound, self.wait_for_mark()).await;
        let mut proof = self.proof();
        proof.checking = false;
        if !matches!(arrived, Ok(Ok(()))) {
            // The primary's clock may have gone back: under the same id, an earlier mark has a later time.
            proof.mark = mark();
        }
        match arrived {
            Ok(Ok(())) => {
                proof.caught_up_at = proof.caught_up_at.max(Some(from));
                if std::mem::take(&mut proof.told) {
                    tracing::info!("the replica has caught up; reading from it again");
                }
                return;
            }
            Ok(Err(error)) if !proof.told => {
                tracing::warn!(%error, "the replica could not be checked; reading from the primary");
            }
            Err(_) if !proof.told => {
                tracing::warn!(bound_ms = self.bound.as_millis(), "the replica is behind; reading from the primary");
            }
            _ => {}
        }
        proof.told = true;
    }

    async fn wait_for_mark(&self) -> Result<(), StoreError> {
        let mark = self.proof().mark;
        let now = self.primary.now().await?.unwrap_or_else(|| SystemClock.now());
        self.primary.end_many(&[mark], now).await?;
        loop {
            match self.replica.load(Wanted::at_least(mark, 0)).await? {
                // A later time is an earlier mark's: the primary's clock has gone back.
                Some(Found::Ended(at)) if at == now => return Ok(()),
                _ => tokio::time::sleep(POLL).await,
            }
        }
    }
}

impl<P, R> Clone for Replicated<P, R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P, R> std::fmt::Debug for Replicated<P, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replicated").field("bound", &self.0.bound).finish_non_exhaustive()
    }
}

fn mark() -> RowId {
    let random = RandomState::new();
    no_sessions_id((u128::from(random.hash_one(0_u8)) << 64) | u128::from(random.hash_one(1_u8)))
}

#[async_trait]
impl<P: Store, R: Store> Store for Replicated<P, R> {
    async fn load(&self, wanted: Wanted) -> Result<Option<Found>, StoreError> {
        if !wanted.newest && self.may_read_replica() {
            let is_good = |found: &Option<Found>| wanted.is_met_by(found.as_ref());
            if let Some(found) = self.ask(self.0.replica.load(wanted), is_good).await {
                return Ok(found);
            }
        }
        self.0.primary.load(wanted).await
    }

    async fn load_many(&self, wanted: &[Wanted]) -> Result<Vec<Option<Found>>, StoreError> {
        if wanted.iter().all(|wanted| !wanted.newest) && self.may_read_replica() {
            let is_good = |found: &Vec<Option<Found>>| {
                wanted.iter().zip(found).all(|(wanted, found)| wanted.is_met_by(found.as_ref()))
            };
            if let Some(found) = self.ask(self.0.replica.load_many(wanted), is_good).await {
                return Ok(found);
            }
        }
        self.0.primary.load_many(wanted).await
    }

    async fn insert(&self, row: Row) -> Result<(), StoreError> {
        self.0.primary.insert(row).await
    }

    async fn update(&self, update: Update<'_>) -> Result<bool, StoreError> {
        self.0.primary.update(update).await
    }

    async fn touch(&self, id: RowId, generation: u64, touch: Touch) -> Result<bool, StoreError> {
        self.0.primary.touch(id, generation, touch).await
    }

    async fn rotate(&self, old: RowId, generation: u64, new: Row) -> Result<bool, StoreError> {
        self.0.primary.rotate(old, generation, new).await
    }

    async fn admit(&self, old: Option<(RowId, u64)>, new: Row, limit: Limit) -> Result<Admission, StoreError> {
        self.0.primary.admit(old, new, limit).await
    }

    async fn end_many(&self, ids: &[RowId], now: Timestamp) -> Result<(), StoreError> {
        self.0.primary.end_many(ids, now).await
    }

    async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.0.primary.delete_expired(now, limit).await
    }

    async fn list_by_subject(&self, subject: &str, now: Timestamp, page: Page) -> Result<Vec<Row>, StoreError> {
        self.0.primary.list_by_subject(subject, now, page).await
    }

    async fn delete_by_subject(&self, subject: &str, which: Which, now: Timestamp) -> Result<u64, StoreError> {
        self.0.primary.delete_by_subject(subject, which, now).await
    }

    async fn ended_since(&self, since: Timestamp, limit: u32) -> Result<Vec<RowId>, StoreError> {
        self.0.primary.ended_since(since, limit).await
    }

    async fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        self.0.primary.now().await
    }

    async fn changed(&self, id: RowId) {
        self.0.primary.changed(id).await;
    }

    fn may_be_behind(&self) -> bool {
        true
    }
}
