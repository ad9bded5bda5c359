//! A store wrapper that keeps copies of rows in memory, still sealed.

mod entries;
mod link;
mod notices;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::Instant;
use waxseal_core::{RowId, Timestamp};

use super::{ASKED_AGAIN, Admission, Found, Limit, Page, Row, Store, StoreError, Touch, Update, Wanted, Which};
use crate::metrics;
use entries::{Entries, Reading};
use link::{Link, Task};
pub use notices::{Listening, Notice, Notices};

/// How old a copy may be by default.
const BOUND: Duration = Duration::from_secs(1);

/// How much memory the copies may take up, in bytes.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// How long a row is not cached after a statement whose effect is not known: it may still take effect.
const UNCERTAIN: Duration = Duration::from_secs(30);

/// A store wrapper that keeps copies of rows in memory, still sealed.
///
/// The age of a copy is bounded. The bound is kept in one of three ways:
///
/// | made by | a copy is dropped | others' changes are seen |
/// | --- | --- | --- |
/// | [`Cached::notified`] | on a change in the database; all copies while the channel is silent | ends in milliseconds, changes in a quarter of the bound; at most the bound |
/// | [`Cached::new`] | after the bound | within the bound |
/// | [`Cached::for_a_single_process`] | when this process changes the row | at once: there are no others |
///
/// In front of a replica, only [`Cached::new`] keeps what the replica answers: there, the two bounds add up.
///
/// A user's own changes are always seen: a copy that is older than the cookie is not used. A change never relies on a copy: every
/// save compares the generation in the database.
///
/// Holds at most 64 MiB of sealed rows and opens none of them: without the cookies, a dump of its memory shows no data.
pub struct Cached<S> {
    inner: Arc<Inner<S>>,
}

struct Inner<S> {
    store: S,
    entries: Arc<Entries>,
    bound: Duration,
    coherence: Coherence,
}

enum Coherence {
    Timed,
    SingleProcess,
    Notified { link: Arc<Link>, _task: Task },
}

impl<S: Store> Cached<S> {
    /// A cache whose copies live for one second. It may take that long to see that another node has ended a session. On PostgreSQL
    /// [`notified`](Self::notified) is better.
    pub fn new(store: S) -> Self {
        Self::with_bound(store, BOUND)
    }

    /// A cache whose copies live for `bound`.
    pub fn with_bound(store: S, bound: Duration) -> Self {
        Self::of(store, bound, Coherence::Timed)
    }

    /// A cache for a store that **no other process changes**: SQLite or [`MemoryStore`](crate::MemoryStore) under one process, if
    /// all writes go through this value. Its copies live until they change. Changes by another process (a command-line tool, a
    /// second node) are not seen: use [`new`](Self::new) then.
    pub fn for_a_single_process(store: S) -> Self {
        Self::of(store, Duration::MAX, Coherence::SingleProcess)
    }

    /// A cache whose copies are dropped when the database reports a change. A copy is used only while pings prove that changes
    /// still arrive, so it is never older than one second. Needs a tokio runtime.
    pub fn notified(store: S, notices: impl Notices) -> Self {
        Self::notified_within(store, notices, BOUND)
    }

    /// Like [`notified`](Self::notified), with another bound.
    pub fn notified_within(store: S, notices: impl Notices, bound: Duration) -> Self {
        let (entries, link) = (Arc::new(Entries::new(MAX_BYTES)), Arc::new(Link::default()));
        let task = link.spawn(entries.clone(), Arc::new(notices), bound);
        Self { inner: Arc::new(Inner { store, entries, bound, coherence: Coherence::Notified { link, _task: task } }) }
    }

    fn of(store: S, bound: Duration, coherence: Coherence) -> Self {
        Self { inner: Arc::new(Inner { store, entries: Arc::new(Entries::new(MAX_BYTES)), bound, coherence }) }
    }

    /// The store behind the cache.
    pub fn store(&self) -> &S {
        &self.inner.store
    }

    /// How many rows it holds.
    pub fn len(&self) -> usize {
        self.inner.entries.len()
    }

    /// Whether it holds no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How old an answer of the cache may be now. `None` while the cache does not answer.
    pub fn staleness(&self) -> Option<Duration> {
        match &self.inner.coherence {
            Coherence::Timed => Some(self.inner.bound),
            Coherence::SingleProcess => Some(Duration::ZERO),
            Coherence::Notified { link, .. } => link.staleness().filter(|age| *age <= self.inner.bound),
        }
    }
}

impl<S: Store> Inner<S> {
    fn epoch(&self) -> u64 {
        match &self.coherence {
            Coherence::Notified { link, .. } => link.epoch(),
            _ => 0,
        }
    }

    fn reading(&self, id: RowId) -> Reading {
        self.entries.reading(id, self.epoch())
    }

    /// A copy that may be used as the answer.
    fn copy(&self, wanted: Wanted) -> Option<Row> {
        if wanted.newest {
            return None;
        }
        let entry = self.entries.get(wanted.id)?;
        let is_good = entry.row.generation >= wanted.at_least
            && match &self.coherence {
                Coherence::SingleProcess => true,
                Coherence::Timed => entry.read_at.elapsed() <= self.bound,
                Coherence::Notified { link, .. } => entry.epoch == link.epoch() && link.is_current(self.bound),
            };
        is_good.then_some(entry.row)
    }

    /// A copy of this generation. From it the row after a statement can be computed.
    fn copy_at(&self, id: RowId, generation: u64, reading: Reading) -> Option<Row> {
        let entry = self.entries.get(id)?;
        (entry.row.generation == generation && entry.epoch == reading.epoch).then_some(entry.row)
    }

    /// What to ask the store for. A replica that is behind has the old state, and the notice of the change has come already.
    fn to_keep(&self, wanted: Wanted) -> Wanted {
        let keeps_long = !matches!(self.coherence, Coherence::Timed) && self.store.may_be_behind();
        Wanted { newest: wanted.newest || keeps_long, ..wanted }
    }

    fn keep(&self, reading: Reading, found: Option<&Found>) {
        if let Some(Found::Session(row)) = found {
            self.entries.keep_read(reading, row.clone());
        }
    }

    fn outdated(&self, id: RowId) {
        self.entries.outdated(id);
        self.wake(id);
    }

    fn wake(&self, id: RowId) {
        if let Coherence::Notified { link, .. } = &self.coherence {
            link.wake(id);
        }
    }

    /// A statement on a row: until its result is known, the row's state is not known.
    fn writing(&self, id: RowId) -> Writing<'_> {
        Writing { entries: &self.entries, id, reading: self.reading(id), done: false }
    }
}

/// A statement under way. One that is cancelled, or whose answer is lost, may still take effect.
struct Writing<'a> {
    entries: &'a Entries,
    id: RowId,
    reading: Reading,
    done: bool,
}

impl Writing<'_> {
    /// Notes the result of the statement, unless it is not known.
    fn note<T>(&mut self, result: &Result<T, StoreError>) {
        self.done = !matches!(result, Err(StoreError::Unknown(_)));
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.entries.uncertain(self.id, Instant::now() + UNCERTAIN);
        }
    }
}

impl<S> Clone for Cached<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<S> std::fmt::Debug for Cached<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cached").field("bound", &self.inner.bound).finish_non_exhaustive()
    }
}

#[async_trait]
impl<S: Store> Store for Cached<S> {
    async fn load(&self, wanted: Wanted) -> Result<Option<Found>, StoreError> {
        let inner = &self.inner;
        let copy = inner.copy(wanted);
        metrics::cache_read(copy.is_some());
        if let Some(row) = copy {
            return Ok(Some(Found::Session(row)));
        }
        let reading = inner.reading(wanted.id);
        let found = inner.store.load(inner.to_keep(wanted)).await?;
        inner.keep(reading, found.as_ref());
        Ok(found)
    }

    async fn load_many(&self, wanted: &[Wanted]) -> Result<Vec<Option<Found>>, StoreError> {
        let inner = &self.inner;
        let copies: Option<Vec<_>> =
            wanted.iter().map(|wanted| inner.copy(*wanted).map(|row| Some(Found::Session(row)))).collect();
        metrics::cache_read(copies.is_some());
        if let Some(copies) = copies {
            return Ok(copies);
        }
        let readings: Vec<Reading> = wanted.iter().map(|wanted| inner.reading(wanted.id)).collect();
        let all: Vec<Wanted> = wanted.iter().map(|wanted| inner.to_keep(*wanted)).collect();
        let found = inner.store.load_many(&all).await?;
        for (reading, found) in readings.into_iter().zip(&found) {
            inner.keep(reading, found.as_ref());
        }
        Ok(found)
    }

    async fn insert(&self, row: Row) -> Result<(), StoreError> {
        let mut writing = self.inner.writing(row.id);
        let copy = row.clone();
        let inserted = self.inner.store.insert(row).await;
        writing.note(&inserted);
        inserted?;
        self.inner.entries.keep_written(writing.reading, copy);
        Ok(())
    }

    async fn update(&self, update: Update<'_>) -> Result<bool, StoreError> {
        let inner = &self.inner;
        let mut writing = inner.writing(update.id);
        let before = inner.copy_at(update.id, update.generation, writing.reading);
        let updated = inner.store.update(update).await;
        writing.note(&updated);
        match (updated?, before) {
            (true, Some(row)) => {
                inner.entries.keep_written(writing.reading, updated_row(row, update));
                Ok(true)
            }
            (updated, _) => {
                inner.entries.outdated(update.id);
                Ok(updated)
            }
        }
    }

    async fn touch(&self, id: RowId, generation: u64, touch: Touch) -> Result<bool, StoreError> {
        let inner = &self.inner;
        let mut writing = inner.writing(id);
        let before = inner.copy_at(id, generation, writing.reading);
        let touched = inner.store.touch(id, generation, touch).await;
        writing.note(&touched);
        match (touched?, before) {
            (true, Some(row)) => {
                let row = Row { seen_at: touch.seen_at, expires_at: touch.expires_at, ..row };
                inner.entries.keep_written(writing.reading, row);
                Ok(true)
            }
            (touched, _) => {
                inner.entries.outdated(id);
                Ok(touched)
            }
        }
    }

    async fn rotate(&self, old: RowId, generation: u64, new: Row) -> Result<bool, StoreError> {
        let (mut ending, mut writing) = (self.inner.writing(old), self.inner.writing(new.id));
        let copy = new.clone();
        let rotated = self.inner.store.rotate(old, generation, new).await;
        ending.note(&rotated);
        writing.note(&rotated);
        let rotated = rotated?;
        self.inner.outdated(old);
        if rotated {
            self.inner.entries.keep_written(writing.reading, copy);
        }
        Ok(rotated)
    }

    async fn admit(&self, old: Option<(RowId, u64)>, new: Row, limit: Limit) -> Result<Admission, StoreError> {
        let mut ending = old.map(|(old, _)| self.inner.writing(old));
        let mut writing = self.inner.writing(new.id);
        let subject = new.subject.clone();
        let admitted = self.inner.store.admit(old, new, limit).await;
        writing.note(&admitted);
        if let Some(ending) = &mut ending {
            ending.note(&admitted);
            self.inner.outdated(ending.id);
        }
        if let (Ok(Admission::Done) | Err(_), Some(subject)) = (&admitted, subject) {
            // The oldest of the subject's sessions may have ended.
            self.inner.entries.subject_outdated(&subject);
        }
        admitted
    }

    async fn end_many(&self, ids: &[RowId], now: Timestamp) -> Result<(), StoreError> {
        let mut writing: Vec<Writing<'_>> = ids.iter().map(|id| self.inner.writing(*id)).collect();
        let ended = self.inner.store.end_many(ids, now).await;
        for writing in &mut writing {
            writing.note(&ended);
            self.inner.outdated(writing.id);
        }
        ended
    }

    async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.inner.store.delete_expired(now, limit).await
    }

    async fn list_by_subject(&self, subject: &str, now: Timestamp, page: Page) -> Result<Vec<Row>, StoreError> {
        self.inner.store.list_by_subject(subject, now, page).await
    }

    async fn delete_by_subject(&self, subject: &str, which: Which, now: Timestamp) -> Result<u64, StoreError> {
        // Also if it fails or is cancelled: some may have ended.
        let _outdated = OutdatedAtLast { entries: &self.inner.entries, subject };
        self.inner.store.delete_by_subject(subject, which, now).await
    }

    async fn ended_since(&self, since: Timestamp, limit: u32) -> Result<Vec<RowId>, StoreError> {
        self.inner.store.ended_since(since, limit).await
    }

    async fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        self.inner.store.now().await
    }

    async fn changed(&self, id: RowId) {
        match &self.inner.coherence {
            // The row is asked for now and then in any case.
            Coherence::Notified { link, .. } => {
                let _ = tokio::time::timeout(ASKED_AGAIN, link.changed(id)).await;
            }
            _ => self.inner.store.changed(id).await,
        }
    }

    fn may_be_behind(&self) -> bool {
        !matches!(self.inner.coherence, Coherence::SingleProcess) || self.inner.store.may_be_behind()
    }
}

/// Drops the copies of a subject's sessions when it is dropped.
struct OutdatedAtLast<'a> {
    entries: &'a Entries,
    subject: &'a str,
}

impl Drop for OutdatedAtLast<'_> {
    fn drop(&mut self) {
        self.entries.subject_outdated(self.subject);
    }
}

/// The row as an update leaves it.
fn updated_row(row: Row, update: Update<'_>) -> Row {
    let touch = update.touch.unwrap_or(Touch { seen_at: row.seen_at, expires_at: row.expires_at });
    Row {
        generation: row.generation.saturating_add(1),
        label: update.label.map(String::from).or(row.label),
        seen_at: touch.seen_at,
        expires_at: touch.expires_at,
        data: update.data.to_vec(),
        ..row
    }
}
