//! What one run is like: drawn from its seed, so that different seeds try different set-ups.

use waxseal_http::OverLimit;

use crate::chance::Chance;

/// Where a node reads a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// In the database.
    Database,
    /// In a replica that lags.
    Replica,
    /// In a cache that the database tells of changes.
    Notified,
    /// In such a cache in front of a replica that lags.
    NotifiedReplica,
    /// In a cache whose copies live for a second.
    Timed,
    /// In the cache of the only process, which never crashes: its statements would go on without it.
    OneProcess,
}

impl Reads {
    /// For how long what others did may stay unseen, in milliseconds: the bound that the stores are given.
    pub(crate) const fn bound_ms(self) -> u64 {
        match self {
            Self::Database | Self::OneProcess => 0,
            _ => 1000,
        }
    }
}

/// The set-up of a run.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) nodes: usize,
    pub(crate) browsers: usize,
    pub(crate) users: usize,
    /// How many requests the browsers make in all.
    pub(crate) requests: u64,
    pub(crate) reads: Reads,
    pub(crate) idle_s: u64,
    pub(crate) touch_s: u64,
    pub(crate) lifetime_s: u64,
    pub(crate) limit: Option<(u32, OverLimit)>,
    /// How many statements of a thousand go wrong.
    pub(crate) storm: u64,
    /// Whether the only thing that goes wrong is that connections break while a change is committed.
    pub(crate) cuts_commits: bool,
    /// Whether the nodes' clocks are wrong.
    pub(crate) wrong_clocks: bool,
    /// How many requests of a thousand come after a long pause.
    pub(crate) pauses: u64,
    /// The longest usual pause between a tab's requests, in milliseconds.
    pub(crate) tempo_ms: u64,
    /// Whether keys are rotated before every node has them.
    pub(crate) hasty_rotation: bool,
}

impl Settings {
    /// The set-up of a seed.
    pub(crate) fn draw(chance: &Chance) -> Self {
        let idle_s = *chance.pick(&[60, 300, 1800]).unwrap_or(&1800);
        let cuts_commits = chance.one_in(8);
        let reads = match chance.below(8) {
            0 => Reads::Replica,
            1 => Reads::Notified,
            2 => Reads::Timed,
            3 => Reads::OneProcess,
            4 => Reads::NotifiedReplica,
            _ => Reads::Database,
        };
        Self {
            nodes: if reads == Reads::OneProcess { 1 } else { chance.between(2, 4) as usize },
            browsers: chance.between(3, 7) as usize,
            users: chance.between(2, 4) as usize,
            requests: 500,
            reads,
            idle_s,
            touch_s: idle_s / 30,
            lifetime_s: idle_s * chance.between(2, 20),
            limit: chance.one_in(5).then(|| {
                (2 + chance.below(3) as u32, if chance.one_in(2) { OverLimit::Refuse } else { OverLimit::EndOldest })
            }),
            storm: if cuts_commits { 150 } else { *chance.pick(&[0, 10, 30, 80]).unwrap_or(&0) },
            cuts_commits,
            wrong_clocks: chance.one_in(2),
            pauses: *chance.pick(&[0, 20, 100]).unwrap_or(&0),
            tempo_ms: *chance.pick(&[30, 300, 3000]).unwrap_or(&300),
            hasty_rotation: chance.one_in(4),
        }
    }
}
