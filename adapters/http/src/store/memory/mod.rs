//! A store in memory: for tests, and for applications of one process that may forget their sessions.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use waxseal_core::{RowId, Timestamp};

use crate::{Found, Page, Row, Store, StoreError, TOMBSTONE_S, Touch, Update, Which};

/// How many parts the map has, each with a lock of its own.
const SHARDS: usize = 16;

type Shard = HashMap<RowId, Found>;

/// Sessions in memory, gone when the process ends. Bounded: when full it evicts expired sessions and tombstones, and refuses new
/// ones rather than end live ones. (A renewal adds a tombstone whatever the bound, until the next new session.)
pub struct MemoryStore {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    len: AtomicUsize,
    capacity: usize,
}

impl MemoryStore {
    /// A store for at most 100,000 sessions.
    pub fn new() -> Self {
        Self::with_capacity(100_000)
    }

    /// A store for at most `capacity` sessions.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { shards: Default::default(), hasher: RandomState::new(), len: AtomicUsize::new(0), capacity }
    }

    /// How many sessions it holds, expired ones and tombstones too.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Whether it holds no session.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard_index(&self, id: RowId) -> usize {
        self.hasher.hash_one(id) as usize % SHARDS
    }

    fn shard(&self, id: RowId) -> MutexGuard<'_, Shard> {
        self.shards[self.shard_index(id)].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> impl Iterator<Item = MutexGuard<'_, Shard>> {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, shard: &mut Shard, row: Row) -> Result<(), StoreError> {
        if shard.contains_key(&row.id) {
            return Err(StoreError::AlreadyExists);
        }
        shard.insert(row.id, Found::Session(row));
        self.len.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Ends the sessions that `which` picks.
    fn end_where(&self, now: Timestamp, which: impl Fn(&Row) -> bool) -> u64 {
        // All shards at once: a session that is just being renewed must not slip from one to another.
        let mut shards: Vec<_> = self.all().collect();
        let mut ended = 0;
        for shard in &mut shards {
            for found in shard.values_mut() {
                if matches!(found, Found::Session(row) if which(row)) {
                    *found = tombstone(now);
                    ended += 1;
                }
            }
        }
        ended
    }

    /// Removes up to `limit` entries that `which` picks.
    fn remove_where(&self, limit: usize, which: impl Fn(&Found) -> bool) -> usize {
        let mut removed = 0;
        for mut shard in self.all() {
            shard.retain(|_, found| {
                let goes = removed < limit && which(found);
                removed += usize::from(goes);
                !goes
            });
        }
        self.len.fetch_sub(removed, Ordering::Relaxed);
        removed
    }
}

fn tombstone(now: Timestamp) -> Found {
    Found::Ended(now.plus_seconds(0))
}

fn session(shard: &mut Shard, id: RowId) -> Option<&mut Row> {
    match shard.get_mut(&id) {
        Some(Found::Session(row)) => Some(row),
        _ => None,
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").field("len", &self.len()).field("capacity", &self.capacity).finish()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self, id: RowId) -> Result<Option<Found>, StoreError> {
        Ok(self.shard(id).get(&id).cloned())
    }

    async fn load_many(&self, ids: &[RowId]) -> Result<Vec<Option<Found>>, StoreError> {
        Ok(ids.iter().map(|id| self.shard(*id).get(id).cloned()).collect())
    }

    async fn insert(&self, row: Row) -> Result<(), StoreError> {
        // What has had its time goes first; then tombstones go before anybody is refused.
        let over = |found: &Found| match found {
            Found::Session(other) => other.is_expired(row.seen_at),
            Found::Ended(at) => row.seen_at.has_reached(at.plus_seconds(TOMBSTONE_S)),
        };
        let ended = |found: &Found| matches!(found, Found::Ended(_));
        if self.len() >= self.capacity
            && self.remove_where(usize::MAX, over) == 0
            && self.remove_where(usize::MAX, ended) == 0
        {
            return Err(StoreError::Full(self.capacity));
        }
        self.put(&mut self.shard(row.id), row)
    }

    async fn update(&self, update: Update<'_>) -> Result<bool, StoreError> {
        let mut shard = self.shard(update.id);
        let Some(row) = session(&mut shard, update.id) else { return Ok(false) };
        if row.generation != update.generation || row.is_expired(update.now) {
            return Ok(false);
        }
        row.generation += 1;
        row.data = update.data.to_vec();
        if let Some(label) = update.label {
            row.label = Some(label.to_owned());
        }
        if let Some(touch) = update.touch {
            row.seen_at = touch.seen_at;
            row.expires_at = touch.expires_at;
        }
        Ok(true)
    }

    async fn touch(&self, id: RowId, generation: u64, touch: Touch) -> Result<bool, StoreError> {
        let mut shard = self.shard(id);
        let Some(row) = session(&mut shard, id) else { return Ok(false) };
        if row.generation != generation || row.is_expired(touch.seen_at) || row.seen_at >= touch.seen_at {
            return Ok(false);
        }
        row.seen_at = touch.seen_at;
        row.expires_at = touch.expires_at;
        Ok(true)
    }

    async fn rotate(&self, old: RowId, generation: u64, new: Row) -> Result<bool, StoreError> {
        // Both shards are held, in the order of their indices, so that nobody sees neither row or both.
        let (a, b) = (self.shard_index(old), self.shard_index(new.id));
        let mut first = self.shards[a.min(b)].lock().unwrap_or_else(PoisonError::into_inner);
        let mut second = (a != b).then(|| self.shards[a.max(b)].lock().unwrap_or_else(PoisonError::into_inner));
        let (old_shard, new_shard): (&mut Shard, Option<&mut Shard>) = match second.as_deref_mut() {
            None => (&mut first, None),
            Some(second) if a < b => (&mut first, Some(second)),
            Some(second) => (second, Some(&mut first)),
        };
        let ended = tombstone(new.seen_at);
        match session(old_shard, old) {
            Some(row) if row.generation == generation && !row.is_expired(new.seen_at) => {}
            _ => return Ok(false),
        }
        self.put(new_shard.unwrap_or(old_shard), new)?;
        let old_shard = if a <= b { &mut first } else { second.as_deref_mut().unwrap_or(&mut first) };
        old_shard.insert(old, ended);
        Ok(true)
    }

    async fn end_many(&self, ids: &[RowId], now: Timestamp) -> Result<(), StoreError> {
        for id in ids {
            if self.shard(*id).insert(*id, tombstone(now)).is_none() {
                self.len.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let over = |found: &Found| match found {
            Found::Session(row) => now.has_reached(row.expires_at),
            Found::Ended(at) => now.has_reached(at.plus_seconds(TOMBSTONE_S)),
        };
        Ok(self.remove_where(limit as usize, over) as u64)
    }

    async fn list_by_subject(&self, subject: &str, now: Timestamp, page: Page) -> Result<Vec<Row>, StoreError> {
        let mut rows: Vec<Row> = Vec::new();
        for shard in self.all() {
            rows.extend(shard.values().filter_map(|found| match found {
                Found::Session(row) if row.subject.as_deref() == Some(subject) && !row.is_expired(now) => {
                    Some(Row { data: Vec::new(), ..row.clone() })
                }
                _ => None,
            }));
        }
        let place = |row: &Row| (row.seen_at, row.id);
        rows.retain(|row| page.after.is_none_or(|after| place(row) < after));
        rows.sort_by_key(|row| std::cmp::Reverse(place(row)));
        rows.truncate(page.limit as usize);
        Ok(rows)
    }

    async fn delete_by_subject(&self, subject: &str, which: Which, now: Timestamp) -> Result<u64, StoreError> {
        Ok(self.end_where(now, |row| {
            row.subject.as_deref() == Some(subject)
                && match which {
                    Which::All => true,
                    Which::AllBut(id) => row.id != id,
                    Which::Only(id) => row.id == id,
                }
        }))
    }
}
