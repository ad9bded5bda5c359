//! The bounds of the store in memory, and how much of them is used.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How much the entries of all shards use, and how much they may use.
#[derive(Debug)]
pub(super) struct Room {
    entries: AtomicUsize,
    bytes: AtomicUsize,
    pub(super) max_entries: usize,
    pub(super) max_bytes: usize,
}

impl Room {
    pub(super) fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self { entries: AtomicUsize::new(0), bytes: AtomicUsize::new(0), max_entries, max_bytes }
    }

    pub(super) fn entries(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Reserves room for entries. `false`, and nothing is reserved, if there is too little. Call it before the entries are added,
    /// so that the bounds hold at every moment.
    pub(super) fn take(&self, entries: usize, bytes: usize) -> bool {
        self.exchange((0, 0), (entries, bytes))
    }

    /// Gives room back.
    pub(super) fn give(&self, entries: usize, bytes: usize) {
        self.entries.fetch_sub(entries, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Gives back and reserves in one step, so that nobody else gets the room in between. A change that does not grow is never
    /// refused.
    pub(super) fn exchange(&self, given: (usize, usize), taken: (usize, usize)) -> bool {
        let (more_entries, more_bytes) = (taken.0.saturating_sub(given.0), taken.1.saturating_sub(given.1));
        if !add(&self.entries, more_entries, self.max_entries) {
            return false;
        }
        if !add(&self.bytes, more_bytes, self.max_bytes) {
            self.give(more_entries, 0);
            return false;
        }
        self.give(given.0.saturating_sub(taken.0), given.1.saturating_sub(taken.1));
        true
    }
}

/// Adds if the sum stays within the bound. Adding 0 always succeeds.
fn add(sum: &AtomicUsize, more: usize, max: usize) -> bool {
    let within = |present: usize| present.checked_add(more).filter(|sum| *sum <= max);
    more == 0 || sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).is_ok()
}
