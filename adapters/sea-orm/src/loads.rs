//! How many requests load one row at once. A session whose requests pile up must not keep others from the pool's connections.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Semaphore;
use waxseal_http::{RowId, StoreError};

/// How many loads of one row are under way at once. A browser has fewer requests under way.
const AT_ONCE: usize = 16;

/// How many requests may load one row, or wait for it.
const MAX: usize = 320;

const SHARDS: usize = 16;

type Shard = HashMap<RowId, Arc<Semaphore>>;

/// The rows that are being loaded.
#[derive(Default)]
pub(crate) struct Loads {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
}

/// The right to load a row, or a place among those who wait for it, until it is dropped.
pub(crate) struct Load<'a> {
    loads: &'a Loads,
    id: RowId,
    row: Arc<Semaphore>,
    begun: bool,
}

impl Loads {
    /// Waits in the order of arrival. An error if too many do.
    pub(crate) async fn begin(&self, id: RowId) -> Result<Load<'_>, StoreError> {
        let row = self.with_shard(id, |shard| {
            let row = shard.entry(id).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE)));
            // One reference is the map's.
            (Arc::strong_count(row) <= MAX).then(|| row.clone())
        });
        let row = row.ok_or_else(|| StoreError::backend("too many requests load this session at once"))?;
        let mut load = Load { loads: self, id, row, begun: false };
        load.row.acquire().await.map_err(StoreError::backend)?.forget();
        load.begun = true;
        Ok(load)
    }

    fn with_shard<R>(&self, id: RowId, f: impl FnOnce(&mut Shard) -> R) -> R {
        let index = self.hasher.hash_one(id) as usize % SHARDS;
        f(&mut self.shards[index].lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Load<'_> {
    fn drop(&mut self) {
        if self.begun {
            self.row.add_permits(1);
        }
        self.loads.with_shard(self.id, |shard| {
            // The map's reference and this one: nobody else is here, and nobody can come while the shard is locked.
            if Arc::strong_count(&self.row) <= 2 {
                shard.remove(&self.id);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{future::Future, pin::pin, task::Context, task::Waker};

    fn id(n: u8) -> RowId {
        RowId::from_bytes([n; 16])
    }

    fn len(loads: &Loads) -> usize {
        loads.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }

    #[tokio::test]
    async fn sixteen_load_a_row_at_once_and_the_others_follow_in_order() {
        let loads = Loads::default();
        let mut under_way = Vec::new();
        for _ in 0..AT_ONCE {
            under_way.push(loads.begin(id(1)).await.unwrap());
        }
        let mut context = Context::from_waker(Waker::noop());
        let (mut next, mut last) = (pin!(loads.begin(id(1))), pin!(loads.begin(id(1))));
        assert!(next.as_mut().poll(&mut context).is_pending() && last.as_mut().poll(&mut context).is_pending());
        drop(loads.begin(id(2)).await.unwrap());
        under_way.pop();
        assert!(last.as_mut().poll(&mut context).is_pending(), "not before its turn");
        drop(next.await.unwrap());
        drop(last.await.unwrap());
        drop(under_way);
        assert_eq!(len(&loads), 0);
    }

    #[tokio::test]
    async fn there_is_a_bound_and_who_gives_up_leaves() {
        let loads = Loads::default();
        let mut context = Context::from_waker(Waker::noop());
        let mut waiting: Vec<_> = (0..MAX).map(|_| Box::pin(loads.begin(id(1)))).collect();
        let begun: Vec<_> = waiting.iter_mut().map(|load| load.as_mut().poll(&mut context)).collect();
        assert_eq!(begun.iter().filter(|load| load.is_ready()).count(), AT_ONCE);
        assert!(loads.begin(id(1)).await.is_err());
        waiting.pop();
        let mut again = pin!(loads.begin(id(1)));
        assert!(again.as_mut().poll(&mut context).is_pending(), "there is room");
        drop(waiting);
        drop(begun);
        drop(again.await.unwrap());
        assert_eq!(len(&loads), 0);
    }
}
