//! A store in memory: for tests, and for applications of one process that may lose their sessions.

mod ids;
mod room;
mod shard;
mod verbs;

use std::{
    fmt,
    hash::RandomState,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use waxseal_core::{RowId, Timestamp};

use self::{room::Room, shard::Shard};

/// How many sessions a store holds by default.
const CAPACITY: usize = 100_000;
/// How many bytes a store takes up by default: 2.6 KB for each of its sessions.
const MAX_BYTES: usize = 256 << 20;
/// How many parts a large store has, each with its own lock. A power of two.
const SHARDS: usize = 16;
/// A store for fewer sessions has one part, so that its order of eviction is exact.
const SMALL: usize = 4096;
/// How many expired entries one insertion deletes at most, so that no single one has to delete a large number.
const CLEARED_AT_ONCE: usize = 32;

/// Sessions in memory, gone when the process ends.
///
/// Bounded by the number of sessions and by their bytes. When a new session does not fit, the store evicts, in this order:
///
/// 1. Expired sessions, and tombstones after [`TOMBSTONE_S`](crate::TOMBSTONE_S) seconds.
/// 2. Anonymous sessions (without a subject), least recently used first. Tombstones of anonymous sessions are in the same order.
///    (The order is exact in a store for fewer than 4,096 sessions; in a larger one each of 16 parts has an order of its own.)
/// 3. Tombstones of signed-in sessions, oldest first. A request that began before the session ended, and arrives after its
///    tombstone was evicted, finds no session. If it writes, it starts a new anonymous one, whose cookie replaces the browser's.
///
/// A live signed-in session is never evicted. If nothing else is left, a new session is refused with
/// [`StoreError::Full`](crate::StoreError::Full). So a flood of anonymous visitors ends only anonymous sessions, and keeps nobody
/// from signing in. Limit the rate of sign-ins in the application: accounts can still fill the store.
///
/// A renewal needs room for its tombstone. If there is none, the session is renewed without a tombstone.
///
/// [`HostedSessions`](crate::HostedSessions) have no subject: to this store they are all anonymous. An application that keeps its
/// sign-ins in them should set the bounds so high that they are not reached.
pub struct MemoryStore {
    shards: Box<[Mutex<Shard>]>,
    room: Room,
    /// The earliest second in which an entry of any shard may be due.
    next_due: AtomicU64,
    /// The shard with which the next eviction begins.
    turn: AtomicUsize,
    /// Held while room is made: until the new entry is in place, no other thread evicts. So the entry that took the room is
    /// visible and can be evicted itself. Taken before any shard's lock.
    clearing: Mutex<()>,
    /// Held while a subject's sessions are counted.
    admitting: Mutex<()>,
}

impl MemoryStore {
    /// A store for at most 100,000 sessions and 256 MiB.
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    /// A store for at most `capacity` sessions, tombstones included, and 256 MiB.
    pub fn with_capacity(capacity: usize) -> Self {
        let shards = if capacity < SMALL { 1 } else { SHARDS };
        let hasher = RandomState::new();
        Self {
            shards: (0..shards).map(|_| Mutex::new(Shard::new(hasher.clone()))).collect(),
            room: Room::new(capacity, MAX_BYTES),
            next_due: AtomicU64::new(u64::MAX),
            turn: AtomicUsize::new(0),
            clearing: Mutex::new(()),
            admitting: Mutex::new(()),
        }
    }

    /// Sets the maximum memory of the sessions, in bytes: their data, subject and label, and about 0.4 KB for each. Allow at
    /// least some hundred times the largest session; see [`max_data_bytes`](crate::SessionsBuilder::max_data_bytes).
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.room.max_bytes = bytes;
        self
    }

    /// How many sessions it holds, including expired ones and tombstones.
    pub fn len(&self) -> usize {
        self.room.entries()
    }

    /// Whether it holds no session.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes they take up, by the estimate described at [`max_bytes`](Self::max_bytes).
    pub fn bytes(&self) -> usize {
        self.room.bytes()
    }

    fn index(&self, id: RowId) -> usize {
        ids::part(id, self.shards.len())
    }

    fn shard(&self, id: RowId) -> MutexGuard<'_, Shard> {
        lock(&self.shards[self.index(id)])
    }

    /// The shards of these ids, all locked at once: nobody sees a change half done.
    fn shards_of(&self, ids: &[RowId]) -> Held<'_> {
        let mut held: Held<'_> = Held { guards: self.shards.iter().map(|_| None).collect() };
        for (index, guard) in held.guards.iter_mut().enumerate() {
            // In the order of their indices, as everywhere.
            if ids.iter().any(|id| self.index(*id) == index) {
                *guard = Some(lock(&self.shards[index]));
            }
        }
        held
    }

    /// All shards, held at once.
    fn all(&self) -> Vec<MutexGuard<'_, Shard>> {
        self.shards.iter().map(lock).collect()
    }

    /// Notes that an entry will be due in this second.
    fn will_be_due(&self, second: u64) {
        if second < self.next_due.load(Ordering::Acquire) {
            self.next_due.fetch_min(second, Ordering::AcqRel);
        }
    }

    /// Tries something that needs room. If there is none, makes room and tries again. `None` if no room can be made.
    fn with_room<T>(&self, now: Timestamp, spare: Option<RowId>, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
        if let Some(done) = attempt() {
            return Some(done);
        }
        let _clearing = lock(&self.clearing);
        while self.evict(now, spare) {
            if let Some(done) = attempt() {
                return Some(done);
            }
        }
        // Another thread may have made room before.
        attempt()
    }

    /// Evicts one or a few entries, but not `spare`. `false` if only live signed-in sessions are left.
    fn evict(&self, now: Timestamp, spare: Option<RowId>) -> bool {
        if self.delete_due(now, CLEARED_AT_ONCE) > 0 {
            return true;
        }
        let start = self.turn.fetch_add(1, Ordering::Relaxed);
        let shards = || (0..self.shards.len()).map(|n| lock(&self.shards[(start + n) % self.shards.len()]));
        shards().any(|mut shard| shard.evict_anonymous(spare, &self.room))
            || shards().any(|mut shard| shard.evict_tombstone(&self.room))
    }

    /// Deletes at most `limit` expired sessions and old tombstones. The caller holds `clearing`.
    fn delete_due(&self, now: Timestamp, limit: usize) -> usize {
        if now.unix_seconds() < self.next_due.load(Ordering::Acquire) {
            return 0;
        }
        // Entries that are added from here on are noted by whoever adds them, or seen below.
        self.next_due.store(u64::MAX, Ordering::Release);
        let mut deleted = 0;
        for shard in &self.shards {
            let mut shard = lock(shard);
            deleted += shard.delete_due(now, limit - deleted, &self.room);
            if let Some(next) = shard.next_due() {
                self.will_be_due(next);
            }
        }
        deleted
    }
}

/// Some of the shards, held.
struct Held<'a> {
    guards: Box<[Option<MutexGuard<'a, Shard>>]>,
}

impl Held<'_> {
    fn shard(&mut self, index: usize) -> Option<&mut Shard> {
        self.guards.get_mut(index)?.as_deref_mut()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("len", &self.len()).field("room", &self.room).finish_non_exhaustive()
    }
}
