//! What the requests for one row share: made for the first of them, dropped with the last. Their number has a bound.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use waxseal_core::RowId;

const SHARDS: usize = 16;

type Shard<T> = HashMap<RowId, Shared<T>>;

/// The rows that some request uses, each with its `T`.
#[derive(Debug)]
pub struct PerRow<T> {
    shards: [Mutex<Shard<T>>; SHARDS],
    hasher: RandomState,
}

#[derive(Debug)]
struct Shared<T> {
    value: Arc<T>,
    members: usize,
}

/// One request's place among those of a row. Dropping it gives the place up.
#[derive(Debug)]
pub struct Member<T> {
    rows: Arc<PerRow<T>>,
    id: RowId,
    value: Arc<T>,
}

impl<T> Default for PerRow<T> {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }
}

impl<T: Default> PerRow<T> {
    /// Joins the requests of this row. `None` if there are already `max`.
    pub fn join(self: &Arc<Self>, id: RowId, max: usize) -> Option<Member<T>> {
        let value = self.with_shard(id, |shard| {
            let shared = shard.entry(id).or_insert_with(|| Shared { value: Arc::default(), members: 0 });
            (shared.members < max).then(|| {
                shared.members += 1;
                shared.value.clone()
            })
        })?;
        Some(Member { rows: self.clone(), id, value })
    }
}

impl<T> PerRow<T> {
    fn with_shard<R>(&self, id: RowId, f: impl FnOnce(&mut Shard<T>) -> R) -> R {
        let index = self.hasher.hash_one(id) as usize % SHARDS;
        f(&mut self.shards[index].lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many rows some request uses.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    /// Whether no request uses any row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Member<T> {
    /// Whether there are others, or one has just left.
    pub fn has_company(&self) -> bool {
        // The map's reference and this one.
        Arc::strong_count(&self.value) > 2
    }
}

impl<T> Deref for Member<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Drop for Member<T> {
    fn drop(&mut self) {
        self.rows.with_shard(self.id, |shard| {
            if let Some(shared) = shard.get_mut(&self.id) {
                shared.members -= 1;
                if shared.members == 0 {
                    shard.remove(&self.id);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_leaves_nothing_behind() {
        let rows = Arc::new(PerRow::<u8>::default());
        let id = RowId::from_bytes([1; 16]);
        let [first, second] = [(); 2].map(|()| rows.join(id, 2).unwrap());
        assert!(rows.join(id, 2).is_none() && Arc::ptr_eq(&first.value, &second.value));
        assert!(rows.join(RowId::from_bytes([2; 16]), 2).is_some());
        drop(first);
        assert!(!second.has_company());
        assert!(rows.join(id, 2).is_some(), "there is room again");
        drop(second);
        assert!(rows.is_empty());
    }

    #[test]
    fn it_does_not_matter_in_which_order_they_leave() {
        let rows = Arc::new(PerRow::<u8>::default());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| drop(rows.join(RowId::from_bytes([1; 16]), 4))));
            }
        });
        assert!(rows.is_empty());
    }
}
