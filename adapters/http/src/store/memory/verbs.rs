//! The verbs of a store, on [`MemoryStore`].

use std::cmp::Reverse;

use async_trait::async_trait;
use waxseal_core::{RowId, Timestamp};

use super::{
    MemoryStore, lock,
    shard::{TOMBSTONE_COST, row_cost},
};
use crate::{
    ASKED_AGAIN, Admission, Found, Limit, OverLimit, Page, Row, Store, StoreError, Touch, Update, Wanted, Which,
};

impl MemoryStore {
    fn full(&self) -> StoreError {
        StoreError::Full(self.len())
    }

    fn insert_row(&self, row: Row) -> Result<(), StoreError> {
        let (id, now, cost) = (row.id, row.seen_at, row_cost(&row));
        if cost > self.room.max_bytes {
            return Err(self.full());
        }
        let mut row = Some(row);
        let attempt = || {
            let mut shard = self.shard(id);
            if shard.contains(id) {
                return Some(Err(StoreError::AlreadyExists));
            }
            if !self.room.take(1, cost) {
                return None;
            }
            row.take().map(|row| {
                self.will_be_due(shard.insert(row));
                Ok(())
            })
        };
        self.with_room(now, None, attempt).unwrap_or_else(|| Err(self.full()))
    }

    fn update_row(&self, update: Update<'_>) -> Result<bool, StoreError> {
        let attempt = || {
            let mut shard = self.shard(update.id);
            let Some(row) = shard.live(update.id, update.generation, update.now) else { return Some(Ok(false)) };
            // If the data fit into the present buffer without wasting half of it, no other is needed.
            let buffer = row.data.capacity();
            let reuse = (update.data.len()..=2 * update.data.len() + 64).contains(&buffer);
            let label = update.label.filter(|label| row.label.as_deref() != Some(label));
            let present = row_cost(row);
            let new = present - buffer + if reuse { buffer } else { update.data.len() }
                - label.and(row.label.as_ref()).map_or(0, String::capacity)
                + label.map_or(0, str::len);
            if new > self.room.max_bytes.max(present) {
                return Some(Err(self.full()));
            }
            if !self.room.exchange((0, present), (0, new)) {
                return None;
            }
            if reuse {
                row.data.clear();
                row.data.extend_from_slice(update.data);
            } else {
                row.data = update.data.to_vec();
            }
            if let Some(label) = label {
                row.label = Some(label.to_owned());
            }
            row.generation += 1;
            if let Some(touch) = update.touch {
                row.seen_at = touch.seen_at;
                row.expires_at = touch.expires_at;
                if let Some(second) = shard.reschedule(update.id) {
                    self.will_be_due(second);
                }
            }
            Some(Ok(true))
        };
        self.with_room(update.now, Some(update.id), attempt).unwrap_or_else(|| Err(self.full()))
    }

    /// Renews a session. `None` if there is no room, even without a tombstone.
    fn try_rotate(
        &self,
        old: RowId,
        generation: u64,
        new: &mut Option<Row>,
        tombstone: bool,
    ) -> Option<Result<bool, StoreError>> {
        let (id, now, signed_in, cost) =
            new.as_ref().map(|row| (row.id, row.seen_at, row.subject.is_some(), row_cost(row)))?;
        // Both shards are locked: nobody sees neither row, or both.
        let mut held = self.shards_of(&[old, id]);
        let Some(present) = held.shard(self.index(old))?.live(old, generation, now).map(|row| row_cost(row)) else {
            return Some(Ok(false));
        };
        if held.shard(self.index(id))?.contains(id) {
            return Some(Err(StoreError::AlreadyExists));
        }
        let left = if tombstone { (1, TOMBSTONE_COST) } else { (0, 0) };
        if !self.room.exchange((1, present), (1 + left.0, cost + left.1)) {
            return None;
        }
        let old_shard = held.shard(self.index(old))?;
        if tombstone {
            if let Some(ended) = old_shard.end(old, now.whole_seconds(), signed_in) {
                self.will_be_due(ended.due);
            }
        } else {
            old_shard.remove(old);
        }
        let due = held.shard(self.index(id))?.insert(new.take()?);
        self.will_be_due(due);
        Some(Ok(true))
    }

    fn rotate_row(&self, old: RowId, generation: u64, new: Row) -> Result<bool, StoreError> {
        let now = new.seen_at;
        let mut new = Some(new);
        self.with_room(now, Some(old), || self.try_rotate(old, generation, &mut new, true))
            .or_else(|| self.try_rotate(old, generation, &mut new, false))
            .unwrap_or_else(|| Err(self.full()))
    }

    /// The subject's sessions that count but one, the oldest first.
    fn oldest_first(&self, subject: &str, now: Timestamp, but: Option<RowId>, limit: &Limit) -> Vec<RowId> {
        let shards = self.all();
        let rows = shards.iter().flat_map(|shard| shard.of_subject(subject));
        let mut live: Vec<_> = rows
            .filter(|row| limit.counts(row, now) && Some(row.id) != but)
            .map(|row| (row.created_at, row.id))
            .collect();
        live.sort_unstable();
        live.into_iter().map(|(_, id)| id).collect()
    }

    /// Ends those of the ids that are there, all at once. Returns the others.
    fn end_present(&self, ids: &[RowId], at: Timestamp) -> Vec<RowId> {
        let mut held = self.shards_of(ids);
        let mut absent = Vec::new();
        for id in ids {
            match held.shard(self.index(*id)).and_then(|shard| shard.end(*id, at, false)) {
                Some(ended) => {
                    self.room.give(0, ended.freed);
                    self.will_be_due(ended.due);
                }
                None => absent.push(*id),
            }
        }
        absent
    }

    /// Leaves a tombstone under an id that is not there, if there is room for it. Without a session it only keeps a late request
    /// from starting a new one.
    fn end_absent(&self, id: RowId, now: Timestamp) {
        let attempt = || {
            let mut shard = self.shard(id);
            if let Some(ended) = shard.end(id, now, false) {
                self.room.give(0, ended.freed);
                self.will_be_due(ended.due);
            } else if self.room.take(1, TOMBSTONE_COST) {
                self.will_be_due(shard.insert_tombstone(id, now));
            } else {
                return None;
            }
            Some(())
        };
        if self.with_room(now, None, attempt).is_none() {
            tracing::debug!(row_id = %id, "no room for the tombstone of a session");
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self, wanted: Wanted) -> Result<Option<Found>, StoreError> {
        Ok(self.shard(wanted.id).load(wanted.id))
    }

    async fn load_many(&self, wanted: &[Wanted]) -> Result<Vec<Option<Found>>, StoreError> {
        let ids: Vec<RowId> = wanted.iter().map(|wanted| wanted.id).collect();
        let mut held = self.shards_of(&ids);
        Ok(ids.iter().map(|id| held.shard(self.index(*id))?.load(*id)).collect())
    }

    async fn insert(&self, row: Row) -> Result<(), StoreError> {
        self.insert_row(row)
    }

    async fn update(&self, update: Update<'_>) -> Result<bool, StoreError> {
        self.update_row(update)
    }

    async fn touch(&self, id: RowId, generation: u64, touch: Touch) -> Result<bool, StoreError> {
        let mut shard = self.shard(id);
        let Some(row) = shard.live(id, generation, touch.seen_at) else { return Ok(false) };
        if row.seen_at >= touch.seen_at {
            return Ok(false);
        }
        row.seen_at = touch.seen_at;
        row.expires_at = touch.expires_at;
        if let Some(second) = shard.reschedule(id) {
            self.will_be_due(second);
        }
        Ok(true)
    }

    async fn rotate(&self, old: RowId, generation: u64, new: Row) -> Result<bool, StoreError> {
        self.rotate_row(old, generation, new)
    }

    async fn admit(&self, old: Option<(RowId, u64)>, new: Row, limit: Limit) -> Result<Admission, StoreError> {
        // One at a time: each counts the sessions that the others have made.
        let _admitting = lock(&self.admitting);
        let now = new.seen_at;
        let replaced = old.map(|(id, _)| id);
        let others = match &new.subject {
            Some(subject) => self.oldest_first(subject, now, replaced, &limit),
            None => Vec::new(),
        };
        let over = (others.len() + 1).saturating_sub(limit.sessions as usize);
        if over > 0 && limit.over == OverLimit::Refuse {
            return Ok(Admission::Refused);
        }
        let there = match old {
            Some((old, generation)) => self.rotate_row(old, generation, new)?,
            None => self.insert_row(new).map(|()| true)?,
        };
        if !there {
            return Ok(Admission::Conflict);
        }
        let oldest: Vec<RowId> = others.into_iter().take(over).collect();
        self.end_present(&oldest, now);
        Ok(Admission::Done)
    }

    async fn end_many(&self, ids: &[RowId], now: Timestamp) -> Result<(), StoreError> {
        for id in self.end_present(ids, now) {
            self.end_absent(id, now);
        }
        Ok(())
    }

    async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let _clearing = lock(&self.clearing);
        Ok(self.delete_due(now, limit as usize) as u64)
    }

    async fn list_by_subject(&self, subject: &str, now: Timestamp, page: Page) -> Result<Vec<Row>, StoreError> {
        // All shards at once: a session that is being renewed is in the list once.
        let shards = self.all();
        let live = |row: &&Row| !row.is_expired(now);
        let place = |row: &Row| (row.seen_at, row.id);
        let mut rows: Vec<&Row> = shards.iter().flat_map(|shard| shard.of_subject(subject)).filter(live).collect();
        rows.retain(|row| page.after.is_none_or(|after| place(row) < after));
        rows.sort_unstable_by_key(|row| Reverse(place(row)));
        rows.truncate(page.limit as usize);
        Ok(rows.into_iter().map(without_data).collect())
    }

    async fn delete_by_subject(&self, subject: &str, which: Which, now: Timestamp) -> Result<u64, StoreError> {
        // All shards at once: a session that is being renewed does not slip from one to another.
        let mut count = 0;
        for mut shard in self.all() {
            let ids = shard.of_subject(subject).map(|row| row.id).filter(|id| match which {
                Which::All => true,
                Which::AllBut(kept) => *id != kept,
                Which::Only(one) => *id == one,
            });
            for id in ids.collect::<Vec<_>>() {
                if let Some(ended) = shard.end(id, now.whole_seconds(), true) {
                    self.room.give(0, ended.freed);
                    self.will_be_due(ended.due);
                    count += 1;
                }
            }
        }
        Ok(count)
    }

    async fn ended_since(&self, since: Timestamp, limit: u32) -> Result<Vec<RowId>, StoreError> {
        let shards = self.all();
        Ok(shards.iter().flat_map(|shard| shard.ended_since(since)).take(limit as usize).collect())
    }

    async fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    async fn changed(&self, _id: RowId) {
        tokio::time::sleep(ASKED_AGAIN).await;
    }

    fn may_be_behind(&self) -> bool {
        false
    }
}

/// A row as it appears in a list.
fn without_data(row: &Row) -> Row {
    Row {
        id: row.id,
        generation: row.generation,
        subject: row.subject.clone(),
        label: row.label.clone(),
        created_at: row.created_at,
        lifetime_s: row.lifetime_s,
        seen_at: row.seen_at,
        expires_at: row.expires_at,
        data: Vec::new(),
    }
}
