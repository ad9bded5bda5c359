//! A node: one process of the application, which starts, crashes and starts again.

use std::{sync::Arc, time::Duration};

use tokio::task::AbortHandle;
use waxseal_http::{Cached, Keyring, Replicated, RootKey, Sessions, SessionsBuilder, Store, Timestamp};

use crate::{
    chance::Chance,
    faults::Fault,
    feed::Channel,
    network::{Life, Line, Peer},
    settings::Reads,
    world::World,
};

/// A running process.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) sessions: Sessions,
    pub(crate) life: Arc<Life>,
    pub(crate) line: Line,
    /// Up to which key this node knows keys, and with which it seals.
    pub(crate) keys: Keys,
    /// By how much the node's clock is wrong, in milliseconds.
    pub(crate) ahead_ms: i64,
    pub(crate) requests: Vec<AbortHandle>,
}

/// Which of the keys a node has: it opens with `0..=newest` and seals with `primary`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Keys {
    pub(crate) newest: u8,
    pub(crate) primary: u8,
}

impl Keys {
    /// The keyring of these keys.
    pub(crate) fn ring(self) -> Keyring {
        let key = |n: u8| {
            let mut bytes = [0; 32];
            Chance::new(u64::from(n)).fill(&mut bytes);
            RootKey::from_bytes(bytes)
        };
        let roots = std::iter::once(self.primary).chain((0..=self.newest).filter(|n| *n != self.primary));
        match roots.map(key).collect::<Result<Vec<_>, _>>().and_then(Keyring::new) {
            Ok(ring) => ring,
            Err(error) => unreachable!("the simulation's keys: {error}"),
        }
    }
}

impl Node {
    /// Starts a process on node `index`.
    pub(crate) fn start(world: &Arc<World>, index: usize, keys: Keys) -> Self {
        let settings = &world.settings;
        let life = Life::new(index, world.fresh());
        let line = Line { world: world.clone(), life: life.clone(), peer: Peer::Primary };
        let copy = Line { peer: Peer::Copy, ..line.clone() };
        let bound = Duration::from_millis(settings.reads.bound_ms());
        let builder = match settings.reads {
            Reads::Database => builder(keys, line.clone()),
            Reads::Replica if world.fault == Some(Fault::WantedIgnored) => {
                builder(keys, crate::lagging::Careless(copy, line.clone()))
            }
            Reads::Replica => builder(keys, Replicated::with_bound(line.clone(), copy, bound)),
            Reads::Notified => builder(keys, Cached::notified_within(line.clone(), Channel(line.clone()), bound)),
            Reads::NotifiedReplica => {
                let replicated = Replicated::with_bound(line.clone(), copy, bound);
                builder(keys, Cached::notified_within(replicated, Channel(line.clone()), bound))
            }
            Reads::OneProcess => builder(keys, Cached::for_a_single_process(line.clone())),
            Reads::Timed => builder(keys, Cached::with_bound(line.clone(), bound)),
        };
        let ahead_ms = clock_error(world);
        let (clock_world, drift_ppm) = (world.clone(), world.chance.below(101) as i64 - 50);
        let clock = move || {
            let ms = clock_world.ms() as i64;
            let now = clock_world.time().unix_ms() as i64 + ahead_ms + ms * drift_ppm / 1_000_000;
            Timestamp::from_unix_ms(u64::try_from(now).unwrap_or_default())
        };
        let chance = world.chance.clone();
        let mut builder = builder
            .node_clock(clock)
            .simulated_randomness(move |bytes| chance.fill(bytes))
            .idle_timeout(Duration::from_secs(settings.idle_s))
            .touch_interval(Duration::from_secs(settings.touch_s))
            .lifetime(Duration::from_secs(settings.lifetime_s))
            .max_lifetime(Duration::from_secs(settings.lifetime_s * 3));
        if let Some((max, over)) = settings.limit {
            builder = builder.max_sessions_per_subject(max, over);
        }
        let sessions = match builder.build() {
            Ok(sessions) => sessions,
            Err(error) => unreachable!("the simulation's options: {error}"),
        };
        world.tell(format_args!("node {index}  starts, its clock wrong by {ahead_ms} ms, keys {keys:?}"));
        Self { sessions, life, line, keys, ahead_ms, requests: Vec::new() }
    }

    /// The process ends at once, with everything that it was doing.
    pub(crate) fn crash(&mut self) {
        self.life.end();
        for request in self.requests.drain(..) {
            request.abort();
        }
    }
}

fn builder(keys: Keys, store: impl Store) -> SessionsBuilder {
    Sessions::builder(keys.ring(), store)
}

fn clock_error(world: &World) -> i64 {
    const HOUR: i64 = 3_600_000;
    let chance = &world.chance;
    if !world.settings.wrong_clocks {
        return 0;
    }
    let sign = if chance.one_in(2) { 1 } else { -1 };
    sign * match chance.below(4) {
        0 => 0,
        1 => chance.below(20_000) as i64,
        2 => chance.below(12) as i64 * HOUR,
        _ => chance.below(20) as i64 * 365 * 24 * HOUR,
    }
}
