//! The channel of notices, kept open: which changes have been received, and up to what time.
//!
//! Pings are sent through the channel, several in each period of the bound. A ping that came back proves that every change
//! committed before it was sent has been received. The cache answers only while the last such ping was sent less than the bound
//! ago.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::JoinHandle,
    time::{Instant, timeout},
};
use waxseal_core::RowId;

use super::{
    entries::Entries,
    notices::{Listening, Notice, Notices},
};
use crate::{StoreError, metrics, watch::Watchers};

/// How many pings are sent per bound.
const PINGS: u32 = 4;

/// The longest wait before the channel is reopened. Also how long opening it or sending a ping may take, and the shortest silence after
/// which it is reopened.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The state that the task and the cache share.
#[derive(Default)]
pub(super) struct Link {
    /// When the newest ping that came back was sent.
    proof: Mutex<Option<Instant>>,
    /// Counts how often the channel was opened: a copy from before a gap must not be used.
    epoch: AtomicU64,
    watchers: Watchers,
    /// The number of the next ping. No number is used twice: a ping from a broken channel may still arrive on the next one.
    next_ping: AtomicU64,
    /// Why the last ping was not sent.
    ping_error: Mutex<Option<StoreError>>,
}

/// Ends the task with the last cache that uses it.
pub(super) struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Link {
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Whether everything that was committed `bound` ago has been received.
    pub(super) fn is_current(&self, bound: Duration) -> bool {
        self.staleness().is_some_and(|age| age <= bound)
    }

    /// How old a copy may be now. `None` while the channel is closed.
    pub(super) fn staleness(&self) -> Option<Duration> {
        let sent = *self.proof.lock().unwrap_or_else(PoisonError::into_inner);
        sent.map(|sent| Instant::now().saturating_duration_since(sent))
    }

    fn set_proof(&self, proof: Option<Instant>) {
        metrics::cache_staleness(proof.map(|sent| sent.elapsed()));
        *self.proof.lock().unwrap_or_else(PoisonError::into_inner) = proof;
    }

    /// Wakes those who wait for a change of this row.
    pub(super) fn wake(&self, id: RowId) {
        self.watchers.wake(id);
    }

    /// Waits until the row may have changed.
    pub(super) async fn changed(&self, id: RowId) {
        let watch = self.watchers.watch(id, None);
        watch.woken().await;
    }

    /// Keeps the channel open, in a task of its own.
    pub(super) fn spawn(self: &Arc<Self>, entries: Arc<Entries>, notices: Arc<dyn Notices>, bound: Duration) -> Task {
        let link = self.clone();
        Task(tokio::spawn(async move {
            let mut wait = bound / PINGS;
            let mut told = false;
            loop {
                let error = link.listen(&entries, &notices, bound).await;
                if link.staleness().is_some() {
                    (wait, told) = (bound / PINGS, false);
                }
                link.set_proof(None);
                entries.clear();
                link.watchers.wake_all();
                if !told {
                    tracing::warn!(%error, "the session cache is off: no notices from the database; every read goes to the database");
                    told = true;
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }))
    }

    /// Listens until the channel breaks or no notice arrives for too long.
    async fn listen(
        self: &Arc<Self>,
        entries: &Arc<Entries>,
        notices: &Arc<dyn Notices>,
        bound: Duration,
    ) -> StoreError {
        let mut listening = match timeout(LONGEST_WAIT, notices.listen()).await {
            Ok(Ok(listening)) => listening,
            Ok(Err(error)) => return error,
            Err(_) => return StoreError::backend("the database did not answer"),
        };
        entries.clear();
        self.epoch.fetch_add(1, Ordering::AcqRel);
        let sent: Arc<Mutex<HashMap<u64, Instant>>> = Arc::default();
        let _pinging = Task(tokio::spawn(self.clone().ping(notices.clone(), sent.clone(), bound / PINGS)));
        self.hear(listening.as_mut(), entries, &sent, bound).await
    }

    async fn hear(
        &self,
        listening: &mut dyn Listening,
        entries: &Entries,
        sent: &Mutex<HashMap<u64, Instant>>,
        bound: Duration,
    ) -> StoreError {
        // A channel that is only slow catches up; one that is silent for long is reopened.
        let silence = (bound * 4).max(LONGEST_WAIT);
        loop {
            match timeout(silence, listening.next()).await {
                Ok(Ok(Notice::Changed(id, generation))) => {
                    entries.changed(id, generation);
                    self.wake(id);
                }
                Ok(Ok(Notice::Outdated(id))) => {
                    entries.outdated(id);
                    self.wake(id);
                }
                Ok(Ok(Notice::All)) => {
                    entries.clear();
                    self.watchers.wake_all();
                }
                Ok(Ok(Notice::Ping(number))) => {
                    let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(at) = sent.remove(&number) {
                        // Earlier pings will not come back any more, or were overtaken.
                        sent.retain(|other, _| *other > number);
                        self.set_proof(Some(at));
                    }
                }
                Ok(Err(error)) => return error,
                Err(_) => {
                    let cause = self.ping_error.lock().unwrap_or_else(PoisonError::into_inner).take();
                    return cause.unwrap_or_else(|| StoreError::backend("the channel of notices fell silent"));
                }
            }
        }
    }

    /// Sends pings, and notes when each was sent.
    async fn ping(
        self: Arc<Self>,
        notices: Arc<dyn Notices>,
        sent: Arc<Mutex<HashMap<u64, Instant>>>,
        every: Duration,
    ) {
        loop {
            let number = self.next_ping.fetch_add(1, Ordering::Relaxed);
            {
                let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
                sent.insert(number, Instant::now());
                // If the channel is slow, only the newest pings are useful.
                sent.retain(|other, _| other + 64 > number);
            }
            let pinged = timeout(LONGEST_WAIT, notices.ping(number)).await;
            let error = pinged.unwrap_or_else(|_| Err(StoreError::backend("a ping could not be sent in time"))).err();
            if let Some(error) = &error {
                tracing::debug!(%error, "a ping of the session cache was not sent");
            }
            *self.ping_error.lock().unwrap_or_else(PoisonError::into_inner) = error;
            tokio::time::sleep(every).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;

    /// A channel that breaks after a while, and notes the pings that are sent.
    struct Breaking(Mutex<Vec<u64>>);

    struct Short;

    #[async_trait]
    impl Notices for Arc<Breaking> {
        async fn listen(&self) -> Result<Box<dyn Listening>, StoreError> {
            Ok(Box::new(Short))
        }

        async fn ping(&self, number: u64) -> Result<(), StoreError> {
            self.0.lock().unwrap().push(number);
            Ok(())
        }
    }

    #[async_trait]
    impl Listening for Short {
        async fn next(&mut self) -> Result<Notice, StoreError> {
            tokio::time::sleep(Duration::from_millis(700)).await;
            Err(StoreError::backend("cut"))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_ping_of_a_channel_that_broke_proves_nothing_for_the_next() {
        let notices = Arc::new(Breaking(Mutex::default()));
        let link = Arc::new(Link::default());
        let _task = link.spawn(Arc::new(Entries::new(1 << 20)), Arc::new(notices.clone()), Duration::from_secs(1));
        tokio::time::sleep(Duration::from_secs(20)).await;
        let sent = notices.0.lock().unwrap().clone();
        let mut once = sent.clone();
        once.dedup();
        assert!(sent.is_sorted() && once.len() == sent.len() && sent.len() > 10, "{sent:?}");
    }
}
