//! The world of one run: time, chance, the database, the network, the model, and what is counted.

use std::{
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use waxseal_http::Timestamp;

use crate::{
    chance::Chance,
    database::{Copy, Database},
    faults::{Bent, Fault},
    model::Model,
    settings::Settings,
    trace::Trace,
    weather::Weather,
};

/// The database's time when a run begins, in milliseconds since 1970.
const BEGIN_MS: u64 = 1_790_000_000_000;

/// Everything that the parts of a run share.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) fault: Option<Fault>,
    pub(crate) chance: Chance,
    pub(crate) counts: Counts,
    start: Instant,
    stopping: AtomicBool,
    trace: Mutex<Trace>,
    database: Mutex<Database>,
    copies: Mutex<Vec<Copy>>,
    bent: Mutex<Bent>,
    weather: Mutex<Weather>,
    model: Mutex<Model>,
}

/// What a run counts.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) requests: AtomicU64,
    pub(crate) statements: AtomicU64,
    pub(crate) faults: AtomicU64,
    pub(crate) operations: AtomicU64,
    next_id: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// A new world. The runtime's time must stand still.
    pub(crate) fn new(seed: u64, fault: Option<Fault>, prints: bool) -> Self {
        let chance = Chance::new(seed);
        let settings = Settings::draw(&chance);
        let copies = (0..settings.nodes).map(|_| Copy::lagging(&chance)).collect();
        Self {
            weather: Mutex::new(Weather {
                storm: settings.storm,
                cuts_commits: settings.cuts_commits,
                ..Weather::default()
            }),
            model: Mutex::new(Model::new(&settings)),
            settings,
            fault,
            chance,
            counts: Counts::default(),
            start: Instant::now(),
            stopping: AtomicBool::new(false),
            trace: Mutex::new(Trace::new(prints)),
            database: Mutex::default(),
            copies: Mutex::new(copies),
            bent: Mutex::new(Bent::new(fault)),
        }
    }

    /// The simulated time since the beginning, in milliseconds.
    pub(crate) fn ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The database's time.
    pub(crate) fn time(&self) -> Timestamp {
        self.time_at(self.ms())
    }

    /// The database's time at a moment of the simulation.
    pub(crate) fn time_at(&self, ms: u64) -> Timestamp {
        Timestamp::from_unix_ms(BEGIN_MS + ms)
    }

    /// Waits in simulated time.
    pub(crate) async fn sleep(&self, ms: u64) {
        if ms == 0 {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
    }

    /// A number that nothing else in this run has.
    pub(crate) fn fresh(&self) -> u64 {
        self.counts.next_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether browsers and operators go on: not after the last request, and not after a violation.
    pub(crate) fn goes_on(&self) -> bool {
        !self.stopping.load(Ordering::Relaxed)
            && self.counts.requests.load(Ordering::Relaxed) < self.settings.requests
            && self.model().violation().is_none()
    }

    /// Ends the run's main part.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Records an event in the trace.
    pub(crate) fn tell(&self, what: fmt::Arguments<'_>) {
        let at_ms = self.ms();
        lock(&self.trace).event(at_ms, what);
    }

    /// Records that a fault was injected.
    pub(crate) fn injected(&self, what: fmt::Arguments<'_>) {
        self.counts.faults.fetch_add(1, Ordering::Relaxed);
        self.tell(what);
    }

    pub(crate) fn trace(&self) -> MutexGuard<'_, Trace> {
        lock(&self.trace)
    }

    pub(crate) fn database(&self) -> MutexGuard<'_, Database> {
        lock(&self.database)
    }

    pub(crate) fn copies(&self) -> MutexGuard<'_, Vec<Copy>> {
        lock(&self.copies)
    }

    pub(crate) fn bent(&self) -> MutexGuard<'_, Bent> {
        lock(&self.bent)
    }

    pub(crate) fn weather(&self) -> MutexGuard<'_, Weather> {
        lock(&self.weather)
    }

    pub(crate) fn model(&self) -> MutexGuard<'_, Model> {
        lock(&self.model)
    }
}
