//! The copies of rows that a cache holds, and the rule that keeps a late answer from becoming an outdated copy.
//!
//! A load takes a [`Reading`] before it asks the database. If a notice or a write concerned the row since then, the loaded row is
//! not kept. Ids share a few hundred slots: sometimes a copy is discarded without need, but an outdated one is never kept.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use quick_cache::{Weighter, sync::Cache};
use tokio::time::Instant;
use waxseal_core::RowId;

use crate::Row;

const SLOTS: usize = 512;

/// What an entry costs beside its row's text and data, in bytes.
const ENTRY_BYTES: u64 = 320;

/// A copy of a row.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) row: Row,
    /// The copy is not older than this.
    pub(super) read_at: Instant,
    /// Since when the channel of notices has been open without a gap, as a number.
    pub(super) epoch: u64,
}

#[derive(Clone)]
struct Weight;

impl Weighter<RowId, Entry> for Weight {
    fn weight(&self, _id: &RowId, entry: &Entry) -> u64 {
        let row = &entry.row;
        let texts = row.subject.as_ref().map_or(0, String::len) + row.label.as_ref().map_or(0, String::len);
        ENTRY_BYTES + (row.data.len() + texts) as u64
    }
}

/// What happened to the rows that share a slot.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// Counts changes.
    count: u64,
    /// The last change, if it left a row of a known generation.
    last: Option<(RowId, u64)>,
    /// A statement whose effect is not known may still take effect: until then no copies are kept.
    uncertain_until: Option<Instant>,
}

impl Slot {
    fn is_uncertain(&self) -> bool {
        self.uncertain_until.is_some_and(|until| Instant::now() < until)
    }
}

/// A point in time before the database was asked.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    count: u64,
    all: u64,
    pub(super) epoch: u64,
    pub(super) at: Instant,
}

pub(super) struct Entries {
    cache: Cache<RowId, Entry, Weight>,
    slots: Box<[Mutex<Slot>]>,
    /// Counts events that concern all rows.
    all: AtomicU64,
}

impl Entries {
    pub(super) fn new(max_bytes: u64) -> Self {
        let items = usize::try_from(max_bytes / 1024).unwrap_or(usize::MAX).clamp(64, 1 << 20);
        Self {
            cache: Cache::with_weighter(items, max_bytes, Weight),
            slots: (0..SLOTS).map(|_| Mutex::default()).collect(),
            all: AtomicU64::new(0),
        }
    }

    pub(super) fn get(&self, id: RowId) -> Option<Entry> {
        self.cache.get(&id)
    }

    pub(super) fn len(&self) -> usize {
        self.cache.len()
    }

    fn slot(&self, id: RowId) -> Option<MutexGuard<'_, Slot>> {
        // The last bytes of an id are random.
        let [.., a, b] = id.as_bytes();
        let index = usize::from(u16::from_be_bytes([*a, *b])) % SLOTS;
        self.slots.get(index).map(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn reading(&self, id: RowId, epoch: u64) -> Reading {
        let count = self.slot(id).map_or(0, |slot| slot.count);
        Reading { count, all: self.all.load(Ordering::Acquire), epoch, at: Instant::now() }
    }

    /// Keeps what was read, unless something has happened to the row since.
    pub(super) fn keep_read(&self, reading: Reading, row: Row) {
        let id = row.id;
        let Some(slot) = self.slot(id) else { return };
        if slot.count == reading.count && self.all.load(Ordering::Acquire) == reading.all && !slot.is_uncertain() {
            self.insert(reading, row);
        }
    }

    /// Keeps what was written, unless something other than this write has happened to the row since.
    pub(super) fn keep_written(&self, reading: Reading, row: Row) {
        let id = row.id;
        let Some(mut slot) = self.slot(id) else { return };
        let own = slot.count == reading.count + 1
            && slot.last.is_some_and(|(last, generation)| last == id && generation <= row.generation);
        let undisturbed = slot.count == reading.count || own;
        let kept = undisturbed && self.all.load(Ordering::Acquire) == reading.all && !slot.is_uncertain();
        // A load that began before the write has an old row.
        slot.count += 1;
        slot.last = Some((id, row.generation));
        if kept {
            self.insert(reading, row);
        } else {
            self.cache.remove(&id);
        }
    }

    /// With the slot held.
    fn insert(&self, reading: Reading, row: Row) {
        self.cache.insert(row.id, Entry { row, read_at: reading.at, epoch: reading.epoch });
    }

    /// The row now has this generation: an older copy is dropped.
    pub(super) fn changed(&self, id: RowId, generation: u64) {
        let Some(mut slot) = self.slot(id) else { return };
        slot.count += 1;
        slot.last = Some((id, generation));
        if self.cache.peek(&id).is_some_and(|entry| entry.row.generation < generation) {
            self.cache.remove(&id);
        }
    }

    /// The row was ended, or its state is not known.
    pub(super) fn outdated(&self, id: RowId) {
        let Some(mut slot) = self.slot(id) else { return };
        slot.count += 1;
        slot.last = None;
        self.cache.remove(&id);
    }

    /// It is not known whether a statement on this row took effect, or whether it still runs.
    pub(super) fn uncertain(&self, id: RowId, until: Instant) {
        let Some(mut slot) = self.slot(id) else { return };
        slot.count += 1;
        slot.last = None;
        slot.uncertain_until = slot.uncertain_until.max(Some(until));
        self.cache.remove(&id);
    }

    /// Sessions of this subject were ended.
    pub(super) fn subject_outdated(&self, subject: &str) {
        self.all.fetch_add(1, Ordering::AcqRel);
        self.cache.retain(|_, entry| entry.row.subject.as_deref() != Some(subject));
    }

    /// Nothing is known about any row.
    pub(super) fn clear(&self) {
        self.all.fetch_add(1, Ordering::AcqRel);
        self.cache.clear();
    }
}
