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

use crate::{Row, Store, StoreError, Touch, Update, Which};

/// How many parts the map has, each with a lock of its own.
const SHARDS: usize = 16;

type Shard = HashMap<RowId, Row>;

/// Sessions in memory, gone when the process ends. Bounded: when full it evicts expired sessions, and refuses new ones rather
/// than end live ones.
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

    /// How many sessions it holds, expired ones too.
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
        shard.insert(row.id, row);
        self.len.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn take(&self, shard: &mut Shard, id: RowId) -> bool {
        let taken = shard.remove(&id).is_some();
        if taken {
            self.len.fetch_sub(1, Ordering::Relaxed);
        }
        taken
    }

    /// Removes up to `limit` rows that `which` picks.
    fn remove_where(&self, limit: usize, which: impl Fn(&Row) -> bool) -> u64 {
        let mut removed = 0;
        for mut shard in self.all() {
            let ids: Vec<RowId> =
                shard.values().filter(|row| which(row)).map(|row| row.id).take(limit - removed).collect();
            for id in ids {
                removed += usize::from(self.take(&mut shard, id));
            }
            if removed == limit {
                break;
            }
        }
        removed as u64
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
    async fn load(&self, id: RowId) -> Result<Option<Row>, StoreError> {
        Ok(self.shard(id).get(&id).cloned())
    }

    async fn insert(&self, row: Row) -> Result<(), StoreError> {
        if self.len() >= self.capacity && self.remove_where(usize::MAX, |other| other.is_expired(row.seen_at)) == 0 {
            return Err(StoreError::Full(self.capacity));
        }
        self.put(&mut self.shard(row.id), row)
    }

    async fn update(&self, update: Update<'_>) -> Result<bool, StoreError> {
        let mut shard = self.shard(update.id);
        let Some(row) = shard.get_mut(&update.id) else { return Ok(false) };
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

    async fn touch(&self, id: RowId, touch: Touch) -> Result<bool, StoreError> {
        let mut shard = self.shard(id);
        let Some(row) = shard.get_mut(&id) else { return Ok(false) };
        if row.is_expired(touch.seen_at) || row.seen_at >= touch.seen_at {
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
        match old_shard.get(&old) {
            Some(row) if row.generation == generation && !row.is_expired(new.seen_at) => {}
            _ => return Ok(false),
        }
        if new_shard.as_deref().unwrap_or(old_shard).contains_key(&new.id) {
            return Err(StoreError::AlreadyExists);
        }
        self.take(old_shard, old);
        self.put(new_shard.unwrap_or(old_shard), new)?;
        Ok(true)
    }

    async fn delete(&self, id: RowId) -> Result<bool, StoreError> {
        Ok(self.take(&mut self.shard(id), id))
    }

    async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        Ok(self.remove_where(limit as usize, |row| now.has_reached(row.expires_at)))
    }

    async fn list_by_subject(&self, subject: &str, now: Timestamp) -> Result<Vec<Row>, StoreError> {
        let mut rows: Vec<Row> = Vec::new();
        for shard in self.all() {
            let live = shard.values().filter(|row| row.subject.as_deref() == Some(subject) && !row.is_expired(now));
            rows.extend(live.map(|row| Row { data: Vec::new(), ..row.clone() }));
        }
        rows.sort_by(|a, b| b.seen_at.cmp(&a.seen_at).then(b.id.cmp(&a.id)));
        Ok(rows)
    }

    async fn delete_by_subject(&self, subject: &str, which: Which) -> Result<u64, StoreError> {
        Ok(self.remove_where(usize::MAX, |row| {
            row.subject.as_deref() == Some(subject)
                && match which {
                    Which::All => true,
                    Which::AllBut(id) => row.id != id,
                    Which::Only(id) => row.id == id,
                }
        }))
    }
}
