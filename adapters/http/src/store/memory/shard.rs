//! One part of the store in memory: its entries, and the orders in which they are found and evicted. No verb scans all entries.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{BuildHasher, RandomState},
    mem,
};

use hashlink::LinkedHashSet;
use waxseal_core::{RowId, Timestamp};

use super::{
    ids::{FIRST, IdHashing, LAST},
    room::Room,
};
use crate::{Found, Row, TOMBSTONE_S};

/// The fixed size of an entry: its slot in a table that may be half empty, and its places in the orders.
const ENTRY_BYTES: usize = 2 * size_of::<(RowId, Entry)>() + 96;

/// A row or a tombstone.
struct Entry {
    found: Found,
    /// Its place in `Shard::due`. Never later than its true expiry: a touch moves only the expiry, and the entry is moved when
    /// its old place comes up.
    due: Due,
    /// Whether it was used since it last came up for eviction.
    used: bool,
    /// Whether it is evicted like an anonymous session: in the order of use. Otherwise it is a signed-in session, which is never
    /// evicted, or the tombstone of one.
    anonymous: bool,
}

/// A second, and a counter: of many entries that are due in one second, the newest is at the end, where inserting into the tree
/// is cheap.
type Due = (u64, u64);

/// What an entry takes up.
fn cost(found: &Found) -> usize {
    ENTRY_BYTES
        + match found {
            Found::Session(row) => row_bytes(row),
            Found::Ended(_) => 0,
        }
}

/// By capacity: that is what was requested from the allocator.
fn row_bytes(row: &Row) -> usize {
    row.data.capacity()
        + row.subject.as_ref().map_or(0, String::capacity)
        + row.label.as_ref().map_or(0, String::capacity)
}

pub(super) fn row_cost(row: &Row) -> usize {
    ENTRY_BYTES + row_bytes(row)
}

pub(super) const TOMBSTONE_COST: usize = ENTRY_BYTES;

fn due_second(found: &Found) -> u64 {
    match found {
        Found::Session(row) => row.expires_at.min(row.deadline()).unix_seconds(),
        Found::Ended(at) => at.plus_seconds(TOMBSTONE_S).unix_seconds(),
    }
}

/// The result of ending a session.
pub(super) struct Ended {
    /// How many bytes it frees.
    pub(super) freed: usize,
    /// The second in which the tombstone is due.
    pub(super) due: u64,
}

pub(super) struct Shard {
    entries: HashMap<RowId, Entry, IdHashing>,
    /// Every entry by the second in which it may expire.
    due: BTreeMap<Due, RowId>,
    /// How many entries were ever put there.
    count: u64,
    /// Anonymous sessions and their tombstones; the next one to be evicted is first.
    anonymous: LinkedHashSet<RowId, IdHashing>,
    /// The tombstones of signed-in sessions: the oldest first.
    tombstones: LinkedHashSet<RowId, IdHashing>,
    /// The sessions of each subject, under a keyed hash of the subject, because users may choose their subjects. (A set for each
    /// subject would cost more: most subjects have one session.)
    subjects: BTreeSet<(u64, RowId)>,
    /// The same in all shards.
    hasher: RandomState,
}

impl Shard {
    pub(super) fn new(hasher: RandomState) -> Self {
        Self {
            entries: HashMap::default(),
            due: BTreeMap::new(),
            count: 0,
            anonymous: LinkedHashSet::default(),
            tombstones: LinkedHashSet::default(),
            subjects: BTreeSet::new(),
            hasher,
        }
    }

    pub(super) fn contains(&self, id: RowId) -> bool {
        self.entries.contains_key(&id)
    }

    /// A copy of what is there. This counts as a use.
    pub(super) fn load(&mut self, id: RowId) -> Option<Found> {
        let entry = self.entries.get_mut(&id)?;
        entry.used = true;
        Some(entry.found.clone())
    }

    /// The session of this id, if it has the generation and is live. This counts as a use.
    pub(super) fn live(&mut self, id: RowId, generation: u64, now: Timestamp) -> Option<&mut Row> {
        let entry = self.entries.get_mut(&id)?;
        match &mut entry.found {
            Found::Session(row) if row.generation == generation && !row.is_expired(now) => {
                entry.used = true;
                Some(row)
            }
            _ => None,
        }
    }

    /// The tombstones from `since` or later.
    pub(super) fn ended_since(&self, since: Timestamp) -> impl Iterator<Item = RowId> {
        let first = since.plus_seconds(TOMBSTONE_S).unix_seconds();
        let ended = |id: &&RowId| matches!(self.entries.get(id).map(|entry| &entry.found), Some(Found::Ended(_)));
        self.due.range((first, 0)..).map(|(_, id)| id).filter(ended).copied()
    }

    /// A session's row, without a use.
    pub(super) fn row(&self, id: RowId) -> Option<&Row> {
        match &self.entries.get(&id)?.found {
            Found::Session(row) => Some(row),
            Found::Ended(_) => None,
        }
    }

    /// Adds a session whose id is not there yet and for which room was reserved. Returns the second in which it is due.
    pub(super) fn insert(&mut self, row: Row) -> u64 {
        let anonymous = row.subject.is_none();
        self.put(row.id, Found::Session(row), anonymous)
    }

    /// Adds a tombstone under an id that is not there yet and for which room was reserved.
    pub(super) fn insert_tombstone(&mut self, id: RowId, at: Timestamp) -> u64 {
        self.put(id, Found::Ended(at), true)
    }

    fn put(&mut self, id: RowId, found: Found, anonymous: bool) -> u64 {
        let due = self.will_be_due(id, due_second(&found));
        if let Found::Session(Row { subject: Some(subject), .. }) = &found {
            self.subjects.insert((self.hasher.hash_one(subject.as_str()), id));
        }
        let ended = matches!(found, Found::Ended(_));
        if anonymous {
            self.anonymous.insert(id);
        } else if ended {
            self.tombstones.insert(id);
        }
        self.entries.insert(id, Entry { found, due, used: false, anonymous });
        due.0
    }

    fn will_be_due(&mut self, id: RowId, second: u64) -> Due {
        self.count += 1;
        let due = (second, self.count);
        self.due.insert(due, id);
        due
    }

    /// Leaves a tombstone in place of a session or a tombstone; does nothing if there is neither. With `keep`, it is evicted as
    /// late as that of a signed-in session.
    pub(super) fn end(&mut self, id: RowId, at: Timestamp, keep: bool) -> Option<Ended> {
        let (found, anonymous) = self.remove(id)?;
        // An end that arrives late does not make a tombstone older.
        let at = if let Found::Ended(before) = &found { at.max(*before) } else { at };
        let due = self.put(id, Found::Ended(at), anonymous && !keep);
        Some(Ended { freed: cost(&found) - TOMBSTONE_COST, due })
    }

    /// Takes out an entry without giving back its room. Also returns whether it was evicted like an anonymous session.
    pub(super) fn remove(&mut self, id: RowId) -> Option<(Found, bool)> {
        let Entry { found, due, anonymous, .. } = self.entries.remove(&id)?;
        self.due.remove(&due);
        if anonymous {
            self.anonymous.remove(&id);
        } else {
            self.tombstones.remove(&id);
        }
        if let Found::Session(Row { subject: Some(subject), .. }) = &found {
            self.subjects.remove(&(self.hasher.hash_one(subject.as_str()), id));
        }
        Some((found, anonymous))
    }

    fn delete(&mut self, id: RowId, room: &Room) -> bool {
        let Some((found, _)) = self.remove(id) else { return false };
        room.give(1, cost(&found));
        true
    }

    /// Call it after the times of a row were changed. If the row is now due earlier, moves it and returns that second.
    pub(super) fn reschedule(&mut self, id: RowId) -> Option<u64> {
        let entry = self.entries.get(&id)?;
        let (second, present) = (due_second(&entry.found), entry.due);
        if second >= present.0 {
            return None;
        }
        self.due.remove(&present);
        self.move_due(id, second);
        Some(second)
    }

    fn move_due(&mut self, id: RowId, second: u64) {
        let due = self.will_be_due(id, second);
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.due = due;
        }
    }

    /// Deletes at most `limit` entries whose time has passed. An entry that has been touched is put back; the touch has paid for
    /// that.
    pub(super) fn delete_due(&mut self, now: Timestamp, limit: usize, room: &Room) -> usize {
        let mut deleted = 0;
        while deleted < limit
            && let Some((&(second, _), &id)) = self.due.first_key_value()
            && second <= now.unix_seconds()
        {
            let second = self.entries.get(&id).map_or(second, |entry| due_second(&entry.found));
            if second > now.unix_seconds() {
                self.due.pop_first();
                self.move_due(id, second);
            } else {
                deleted += usize::from(self.delete(id, room));
            }
        }
        deleted
    }

    /// The second in which the next entry may be due.
    pub(super) fn next_due(&self) -> Option<u64> {
        self.due.first_key_value().map(|((second, _), _)| *second)
    }

    /// Evicts the least recently used anonymous session, or the tombstone of one, but not `spare`. Uses are not ordered among
    /// themselves: an entry that was used since it last came up goes to the end, once. A load has paid for that.
    pub(super) fn evict_anonymous(&mut self, spare: Option<RowId>, room: &Room) -> bool {
        for _ in 0..self.anonymous.len() * 2 {
            let Some(&id) = self.anonymous.front() else { break };
            let used = self.entries.get_mut(&id).is_some_and(|entry| mem::take(&mut entry.used));
            if !used && spare != Some(id) {
                return self.delete(id, room);
            }
            self.anonymous.to_back(&id);
        }
        false
    }

    /// Evicts the oldest tombstone of a signed-in session.
    pub(super) fn evict_tombstone(&mut self, room: &Room) -> bool {
        self.tombstones.front().copied().is_some_and(|id| self.delete(id, room))
    }

    /// The rows of a subject.
    pub(super) fn of_subject<'a>(&'a self, subject: &'a str) -> impl Iterator<Item = &'a Row> {
        let hash = self.hasher.hash_one(subject);
        let ids = self.subjects.range((hash, FIRST)..=(hash, LAST));
        ids.filter_map(|(_, id)| self.row(*id)).filter(move |row| row.subject.as_deref() == Some(subject))
    }
}
