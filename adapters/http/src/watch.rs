//! Which requests of this process wait for the end of which session.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, futures::Notified};
use waxseal_core::RowId;

/// The watched rows, ordered by id, so that the order of wake-ups does not depend on chance.
#[derive(Default)]
pub(crate) struct Watchers(Mutex<BTreeMap<RowId, Watched>>);

struct Watched {
    changed: Arc<Notify>,
    subject: Option<String>,
    count: usize,
}

impl Watchers {
    fn map(&self) -> MutexGuard<'_, BTreeMap<RowId, Watched>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches a row until the watch is dropped.
    pub(crate) fn watch(&self, id: RowId, subject: Option<&str>) -> Watch<'_> {
        let mut map = self.map();
        let new = || Watched { changed: Arc::default(), subject: subject.map(String::from), count: 0 };
        let watched = map.entry(id).or_insert_with(new);
        watched.count += 1;
        Watch { watchers: self, id, changed: watched.changed.clone() }
    }

    /// Wakes everybody who watches this row.
    pub(crate) fn wake(&self, id: RowId) {
        if let Some(watched) = self.map().get(&id) {
            watched.changed.notify_waiters();
        }
    }

    /// Wakes everybody who watches a row of this subject.
    pub(crate) fn wake_subject(&self, subject: &str) {
        let map = self.map();
        let of_subject = map.values().filter(|watched| watched.subject.as_deref() == Some(subject));
        of_subject.for_each(|watched| watched.changed.notify_waiters());
    }

    /// Wakes everybody.
    #[cfg(feature = "cache")]
    pub(crate) fn wake_all(&self) {
        self.map().values().for_each(|watched| watched.changed.notify_waiters());
    }
}

/// A watch on a row.
pub(crate) struct Watch<'a> {
    watchers: &'a Watchers,
    id: RowId,
    changed: Arc<Notify>,
}

impl Watch<'_> {
    /// Waits for a wake-up from here on.
    pub(crate) fn woken(&self) -> Notified<'_> {
        self.changed.notified()
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut map = self.watchers.map();
        if let Some(watched) = map.get_mut(&self.id) {
            watched.count -= 1;
            if watched.count == 0 {
                map.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> RowId {
        RowId::from_bytes([n; 16])
    }

    #[tokio::test]
    async fn those_who_watch_are_woken_and_forgotten() {
        let watchers = Watchers::default();
        let (one, other) = (watchers.watch(id(1), Some("ada")), watchers.watch(id(2), Some("bob")));
        let (mut woken, mut not_woken) = (boxed(one.woken()), boxed(other.woken()));
        watchers.wake_subject("ada");
        woken.as_mut().await;
        assert!(tokio::time::timeout(std::time::Duration::from_millis(10), not_woken.as_mut()).await.is_err());
        watchers.wake(id(2));
        not_woken.as_mut().await;
        drop((woken, not_woken));
        drop((one, other));
        assert!(watchers.map().is_empty());
    }

    fn boxed<F: Future>(future: F) -> std::pin::Pin<Box<F>> {
        Box::pin(future)
    }
}
