//! The sweeper: deletes expired rows in small batches, so that no long lock blocks live sessions.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use tokio::task::JoinHandle;
use waxseal_http::{Clock, Store, StoreError, SystemClock};

use crate::metrics;

/// The longest wait after database errors.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// Deletes expired rows, repeatedly or once.
///
/// Expired sessions are refused whether or not their rows are swept; sweeping only keeps the table small.
#[must_use]
pub struct Sweeper {
    store: Arc<dyn Store>,
    interval: Duration,
    batch: u32,
    pause: Duration,
    clock: Option<Box<dyn Clock>>,
}

impl Sweeper {
    /// A sweeper for any store.
    pub fn new(store: impl Store) -> Self {
        Self {
            store: Arc::new(store),
            interval: Duration::from_secs(5 * 60),
            batch: 500,
            pause: Duration::from_millis(20),
            clock: None,
        }
    }

    /// How long to wait between two sweeps. Each wait is up to a fifth longer or shorter, so that the nodes of an application do
    /// not sweep at the same time. Default: 5 minutes.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How many rows one statement deletes at most. Default: 500, which holds SQLite's write lock for a few milliseconds.
    pub fn batch(mut self, rows: u32) -> Self {
        self.batch = rows.max(1);
        self
    }

    /// How long to pause between two batches, so that others can use the database. Default: 20 ms.
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Where the time comes from. Default: the store, which means the database if nodes share one. For tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Box::new(clock));
        self
    }

    /// Sweeps once, until no expired row is left. Returns how many rows it deleted. For cron.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        let now = match &self.clock {
            Some(clock) => clock.now(),
            // A node whose clock is ahead must not delete live rows.
            None => self.store.now().await?.unwrap_or_else(|| SystemClock.now()),
        };
        let mut swept = 0;
        loop {
            let deleted = self.store.delete_expired(now, self.batch).await?;
            metrics::swept(deleted);
            swept += deleted;
            if deleted < u64::from(self.batch) {
                return Ok(swept);
            }
            tokio::time::sleep(self.pause).await;
        }
    }

    /// Sweeps repeatedly in a `tokio` task, until the guard is dropped. A database error is logged, and the wait after it
    /// doubles, up to 15 minutes.
    pub fn spawn(self) -> SweeperGuard {
        SweeperGuard(tokio::spawn(async move {
            let mut wait = self.interval;
            loop {
                tokio::time::sleep(jittered(wait)).await;
                match self.sweep().await {
                    Ok(swept) => {
                        if swept > 0 {
                            tracing::debug!(swept, "expired session rows deleted");
                        }
                        wait = self.interval;
                    }
                    Err(error) => {
                        wait = wait.saturating_mul(2).min(LONGEST_WAIT.max(self.interval));
                        tracing::warn!(%error, next_in_s = wait.as_secs(), "expired session rows not deleted; trying again");
                    }
                }
            }
        }))
    }
}

/// Stops its sweeper when dropped.
#[derive(Debug)]
#[must_use = "dropping the guard stops the sweeper"]
pub struct SweeperGuard(JoinHandle<()>);

impl Drop for SweeperGuard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// `wait`, up to a fifth longer or shorter.
fn jittered(wait: Duration) -> Duration {
    let share = RandomState::new().hash_one(wait) % 401;
    wait.mul_f64(0.8 + share as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_a_fifth() {
        let wait = Duration::from_secs(100);
        for _ in 0..1000 {
            assert!((80.0..=120.0).contains(&jittered(wait).as_secs_f64()));
        }
    }
}
