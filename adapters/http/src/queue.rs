//! The queues in which requests wait for each other: one per row, in the order of arrival, with a bound.
//!
//! Of the requests of one process that change the same row, only one at a time has a statement under way. The others wait in
//! their own futures, so a request that is cancelled leaves the queue. Between processes the generation alone decides.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;
use waxseal_core::RowId;

use crate::{
    per_row::{Member, PerRow},
    session::Live,
};

/// How many requests may change one row or wait to. The number is bounded because each holds the data that it will write.
const MAX: usize = 320;

/// The queues of all rows that somebody changes or waits for. A row that nobody changes has none.
#[derive(Default)]
pub(crate) struct Queues(Arc<PerRow<Queue>>);

#[derive(Default)]
struct Queue {
    turn: Arc<tokio::sync::Mutex<()>>,
    /// The newest state of the row that is known here: the last request of this queue wrote it, or one that waits has read it.
    newest: Mutex<Option<Live>>,
}

/// A place in a row's queue. Dropping it leaves the queue.
pub(crate) struct Place(Member<Queue>);

/// The right to change a row, until it is dropped.
pub(crate) struct Turn {
    place: Place,
    _guard: OwnedMutexGuard<()>,
}

impl Queues {
    /// A place behind those who wait for this row. `None` if too many do.
    pub(crate) fn join(&self, id: RowId) -> Option<Place> {
        self.0.join(id, MAX).map(Place)
    }
}

impl Place {
    /// This place's turn, if nobody is before it.
    pub(crate) fn turn_now(self) -> Result<Turn, Self> {
        match self.0.turn.clone().try_lock_owned() {
            Ok(guard) => Ok(Turn { place: self, _guard: guard }),
            Err(_) => Err(self),
        }
    }

    /// Replaces `live` by the newest known state of the row. Those who wait share one copy of it, for it may be large.
    pub(crate) fn share(&self, live: &mut Live) {
        let mut newest = self.0.newest.lock().unwrap_or_else(PoisonError::into_inner);
        match &*newest {
            Some(known) if (known.generation, known.seen_at) >= (live.generation, live.seen_at) => {
                *live = known.clone()
            }
            _ => *newest = Some(live.clone()),
        }
    }

    /// Waits for this place's turn.
    pub(crate) async fn turn(self) -> Turn {
        let guard = self.0.turn.clone().lock_owned().await;
        Turn { place: self, _guard: guard }
    }
}

impl Turn {
    /// What another request of this process has written or read, if that is newer: a save at this generation could not succeed.
    pub(crate) fn newer_than(&self, generation: u64) -> Option<Live> {
        let newest = self.place.0.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.as_ref().filter(|live| live.generation > generation).cloned()
    }

    /// Passes on what was written, if somebody waits for it.
    pub(crate) fn wrote(&self, live: &Live) {
        let waiting = self.place.0.has_company();
        let mut newest = self.place.0.newest.lock().unwrap_or_else(PoisonError::into_inner);
        *newest = waiting.then(|| live.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use waxseal_core::Timestamp;

    fn id(n: u8) -> RowId {
        RowId::from_bytes([n; 16])
    }

    #[tokio::test]
    async fn turns_come_in_the_order_of_arrival_and_queues_go_when_they_are_empty() {
        let queues = Queues::default();
        let first = queues.join(id(1)).unwrap().turn().await;
        let other_row = tokio::time::timeout(Duration::from_secs(5), queues.join(id(2)).unwrap().turn()).await;
        assert!(other_row.is_ok(), "rows do not share a queue");
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for n in 0..20 {
            let (place, order) = (queues.join(id(1)).unwrap(), order.clone());
            waiting.push(tokio::spawn(async move {
                let _turn = place.turn().await;
                order.lock().unwrap().push(n);
            }));
            tokio::task::yield_now().await;
        }
        // A cancelled request leaves the queue.
        waiting.remove(7).abort();
        drop((first, other_row));
        for waiting in waiting {
            waiting.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), (0..20).filter(|n| *n != 7).collect::<Vec<_>>());
        assert_eq!(queues.0.len(), 0);
    }

    #[test]
    fn a_queue_has_a_bound() {
        let queues = Queues::default();
        let places: Vec<_> = std::iter::from_fn(|| queues.join(id(1))).take(2 * MAX).collect();
        assert_eq!(places.len(), MAX);
        drop(places);
        assert_eq!(queues.0.len(), 0);
        assert!(queues.join(id(1)).is_some());
    }

    fn live(generation: u64) -> Live {
        let (seen_at, expires_at) = (Timestamp::default(), Timestamp::default());
        Live { id: id(1), generation, label: None, seen_at, expires_at, data: Arc::default() }
    }

    #[tokio::test]
    async fn those_who_wait_share_the_newest_state() {
        let queues = Queues::default();
        let first = queues.join(id(1)).unwrap().turn_now().ok().unwrap();
        let [second, third] = [(); 2].map(|()| queues.join(id(1)).unwrap().turn_now().err().unwrap());
        let [mut old, mut new, mut same] = [live(5), live(6), live(6)];
        second.share(&mut old);
        third.share(&mut new);
        second.share(&mut same);
        assert!(Arc::ptr_eq(&new.data, &same.data) && !Arc::ptr_eq(&old.data, &new.data));
        third.share(&mut old);
        assert_eq!(old.generation, 6, "an older state is replaced");
        drop((first, third));
        let second = second.turn().await;
        assert_eq!(second.newer_than(5).map(|live| live.generation), Some(6), "read by one that waited");
    }

    #[tokio::test]
    async fn what_was_written_is_handed_on_to_those_who_wait() {
        let queues = Queues::default();
        let first = queues.join(id(1)).unwrap().turn().await;
        first.wrote(&live(6));
        assert!(first.newer_than(5).is_none(), "nobody waited");
        let second = queues.join(id(1)).unwrap();
        first.wrote(&live(7));
        drop(first);
        let second = second.turn().await;
        assert_eq!(second.newer_than(6).map(|live| live.generation), Some(7));
        assert!(second.newer_than(7).is_none());
    }
}
