//! The present time: the database's time if nodes share a database, so that a node with a wrong clock signs nobody out and lets
//! nobody in (rule R24).
//!
//! The difference to the database's clock is measured before the first statement and then every hour. In between, the machine's
//! monotonic clock counts: setting the system clock has no effect. After a machine has slept, the difference is measured again.

use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Instant,
};

use waxseal_core::Timestamp;

use crate::{Clock, Store, StoreError, SystemClock, metrics};

/// How often the difference is measured, in milliseconds.
const INTERVAL_MS: u64 = 60 * 60 * 1000;

/// How long after a failed measurement it is repeated, in milliseconds.
const AGAIN_MS: u64 = 60 * 1000;

/// A larger difference than this is logged, in milliseconds.
const TOLD_MS: u64 = 2000;

/// The result of a measurement that took longer than this is not trusted at once, in milliseconds.
const SLOW_MS: u64 = 500;

/// If the system clock and the monotonic clock drift apart by this, the difference is measured again, in milliseconds.
const STEP_MS: i64 = 1000;

/// The offset before the first measurement.
const UNKNOWN: i64 = i64::MIN;

/// The offset if the node's own clock is used: there is none.
const OWN: i64 = i64::MAX;

/// The engine's time.
pub(crate) struct Time {
    node: NodeClock,
    /// What is added to the node's clock, in milliseconds.
    offset_ms: AtomicI64,
    /// When the difference must be measured again, by the node's clock.
    due_ms: AtomicU64,
    /// By how much the system clock was ahead of the monotonic one when that was last looked at, in milliseconds.
    step_ms: AtomicI64,
    measuring: tokio::sync::Mutex<()>,
}

/// The clock of this node.
enum NodeClock {
    /// The time at start, and the time that the monotonic clock has counted since.
    System { start: Timestamp, since: Instant },
    /// A test's.
    Given(Box<dyn Clock>),
}

impl NodeClock {
    fn now(&self) -> Timestamp {
        match self {
            Self::System { start, since } => {
                let elapsed = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
                Timestamp::from_unix_ms(start.unix_ms().saturating_add(elapsed))
            }
            Self::Given(clock) => clock.now(),
        }
    }
}

/// A moment, by the node's clock.
#[derive(Clone, Copy)]
pub(crate) struct Moment(Timestamp);

impl Time {
    /// The machine's time, until a store provides a better one.
    pub(crate) fn of_the_machine() -> Self {
        Self::new(NodeClock::System { start: SystemClock.now(), since: Instant::now() }, UNKNOWN)
    }

    /// A test's time, whatever a store says.
    pub(crate) fn given(clock: Box<dyn Clock>) -> Self {
        Self::new(NodeClock::Given(clock), OWN)
    }

    /// A node's clock as set by a test, until a store provides a better one.
    #[cfg(feature = "simulation")]
    pub(crate) fn of_a_node(clock: Box<dyn Clock>) -> Self {
        Self::new(NodeClock::Given(clock), UNKNOWN)
    }

    fn new(node: NodeClock, offset_ms: i64) -> Self {
        Self {
            node,
            offset_ms: AtomicI64::new(offset_ms),
            due_ms: AtomicU64::new(0),
            step_ms: AtomicI64::new(0),
            measuring: tokio::sync::Mutex::new(()),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        match (self.offset_ms.load(Ordering::Acquire), &self.node) {
            (UNKNOWN | OWN, NodeClock::System { .. }) => SystemClock.now(),
            (UNKNOWN | OWN, NodeClock::Given(clock)) => clock.now(),
            (offset, node) => {
                let now = node.now().unix_ms();
                Timestamp::from_unix_ms(now.saturating_add_signed(offset))
            }
        }
    }

    /// Whether the store has provided the time, or need not be asked.
    pub(crate) fn is_known(&self) -> bool {
        self.offset_ms.load(Ordering::Acquire) != UNKNOWN
    }

    pub(crate) fn moment(&self) -> Moment {
        Moment(self.node.now())
    }

    /// The time of a moment, by the offset that is known now.
    pub(crate) fn of(&self, moment: Moment) -> Timestamp {
        let since = self.node.now().unix_ms().saturating_sub(moment.0.unix_ms());
        Timestamp::from_unix_ms(self.now().unix_ms().saturating_sub(since))
    }

    /// Asks the store for the time if that is due. An error only if the time is not known at all.
    pub(crate) async fn ensure(&self, store: &dyn Store) -> Result<(), StoreError> {
        if !self.is_due() {
            return Ok(());
        }
        let known = self.is_known();
        let _measuring = if known {
            // Another task is measuring: the present offset is good enough.
            let Ok(measuring) = self.measuring.try_lock() else { return Ok(()) };
            measuring
        } else {
            self.measuring.lock().await
        };
        if !self.is_due() {
            return Ok(());
        }
        match self.measure(store).await {
            Err(error) if known => {
                tracing::warn!(%error, "the database's time could not be read; the previously measured difference is used");
                self.due_ms.store(self.node.now().unix_ms().saturating_add(AGAIN_MS), Ordering::Release);
                Ok(())
            }
            measured => measured,
        }
    }

    pub(crate) fn is_due(&self) -> bool {
        match self.offset_ms.load(Ordering::Acquire) {
            OWN => false,
            UNKNOWN => true,
            _ => self.node.now().unix_ms() >= self.due_ms.load(Ordering::Acquire) || self.has_stepped(),
        }
    }

    fn has_stepped(&self) -> bool {
        (self.step() - self.step_ms.load(Ordering::Relaxed)).abs() > STEP_MS
    }

    /// By how much the system clock is ahead of the monotonic one, in milliseconds.
    fn step(&self) -> i64 {
        match &self.node {
            NodeClock::System { .. } => difference(SystemClock.now(), self.node.now()),
            NodeClock::Given(_) => 0,
        }
    }

    async fn measure(&self, store: &dyn Store) -> Result<(), StoreError> {
        let mut best: Option<(u64, i64)> = None;
        for _ in 0..3 {
            let asked = self.node.now();
            let Some(theirs) = store.now().await? else {
                self.offset_ms.store(OWN, Ordering::Release);
                return Ok(());
            };
            let took = self.node.now().unix_ms().saturating_sub(asked.unix_ms());
            // The store read its clock at some time in between.
            let offset = difference(theirs, asked).saturating_sub_unsigned(took / 2);
            if best.is_none_or(|(shortest, _)| took < shortest) {
                best = Some((took, offset));
            }
            if took <= SLOW_MS {
                break;
            }
        }
        let Some((_, offset)) = best else { return Ok(()) };
        self.step_ms.store(self.step(), Ordering::Relaxed);
        self.due_ms.store(self.node.now().unix_ms().saturating_add(INTERVAL_MS), Ordering::Release);
        // `UNKNOWN` and `OWN` are no offsets.
        self.offset_ms.store(offset.clamp(UNKNOWN + 1, OWN - 1), Ordering::Release);
        let ahead_ms = offset.saturating_neg().saturating_add(self.step());
        metrics::clock_ahead(ahead_ms);
        if ahead_ms.unsigned_abs() > TOLD_MS {
            tracing::warn!(
                ahead_ms,
                "this node's clock differs from the database's, whose time is used; set the clock"
            );
        }
        Ok(())
    }
}

/// `a` - `b` in milliseconds.
fn difference(a: Timestamp, b: Timestamp) -> i64 {
    let (a, b) = (a.unix_ms(), b.unix_ms());
    let apart = i64::try_from(a.abs_diff(b)).unwrap_or(i64::MAX - 1);
    if a >= b { apart } else { -apart }
}
