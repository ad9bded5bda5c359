//! How many requests load one row at once. A session whose requests pile up must not keep others from the pool's connections.

use std::sync::Arc;

use tokio::sync::Semaphore;
use waxseal_http::{
    RowId, StoreError,
    per_row::{Member, PerRow},
};

/// How many loads of one row may run at once. The others wait.
const AT_ONCE: usize = 16;

/// How many requests may load one row, or wait to.
const MAX: usize = 320;

/// The rows that are being loaded.
#[derive(Default)]
pub(crate) struct Loads(Arc<PerRow<Places>>);

struct Places(Semaphore);

impl Default for Places {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

/// The right to load a row, or a place among those who wait for it, until it is dropped.
pub(crate) struct Load {
    row: Member<Places>,
    begun: bool,
}

impl Loads {
    /// Waits until the row may be loaded, in the order of arrival. An error if too many requests load it already or wait to.
    pub(crate) async fn begin(&self, id: RowId) -> Result<Load, StoreError> {
        let row = self.0.join(id, MAX).ok_or_else(|| {
            StoreError::backend("too many requests load this session at once; try again, and send fewer at once")
        })?;
        let mut load = Load { row, begun: false };
        load.row.0.acquire().await.map_err(StoreError::backend)?.forget();
        load.begun = true;
        Ok(load)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if self.begun {
            self.row.0.add_permits(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{future::Future, pin::pin, task::Context, task::Waker};

    fn id(n: u8) -> RowId {
        RowId::from_bytes([n; 16])
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
        assert_eq!(loads.0.len(), 0);
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
        assert_eq!(loads.0.len(), 0);
    }
}
