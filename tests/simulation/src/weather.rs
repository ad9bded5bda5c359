//! The weather between the nodes and the database: how long statements travel, which are lost, and when nothing gets through.

use waxseal_http::StoreError;

use crate::chance::Chance;

/// What becomes of one statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered,
    /// The database says that it failed and did nothing.
    RolledBack,
    /// The connection breaks before the statement arrives.
    LostBefore,
    /// The statement does its work; the answer is lost.
    LostAfter,
    /// The connection breaks first, and the effect becomes visible so many milliseconds later.
    Late(u64),
}

/// How one statement travels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Journey {
    pub(crate) there_ms: u64,
    pub(crate) back_ms: u64,
    pub(crate) fate: Fate,
}

/// The state of the network and of the database's server.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    /// How many statements of a thousand go wrong.
    pub(crate) storm: u64,
    /// Whether the only thing that goes wrong is that connections break while a change is committed.
    pub(crate) cuts_commits: bool,
    /// Until when the database cannot be reached.
    pub(crate) down_until_ms: u64,
    /// Until when it takes no writes: it is failing over.
    pub(crate) read_only_until_ms: u64,
}

impl Weather {
    /// How the next statement travels.
    pub(crate) fn journey(&self, chance: &Chance, writes: bool) -> Journey {
        if self.cuts_commits {
            return self.cut(chance, writes);
        }
        Journey { there_ms: self.leg(chance), back_ms: self.leg(chance), fate: self.fate(chance) }
    }

    fn cut(&self, chance: &Chance, writes: bool) -> Journey {
        let fate = match chance.below(3) {
            _ if !writes || !chance.permille(self.storm) => Fate::Answered,
            0 => Fate::LostBefore,
            1 => Fate::LostAfter,
            // The engine asks for 0.8 seconds.
            _ => Fate::Late(chance.between(1, 700)),
        };
        Journey { there_ms: chance.below(20), back_ms: chance.below(20), fate }
    }

    fn leg(&self, chance: &Chance) -> u64 {
        match chance.below(1000) {
            0..600 => 0,
            600..900 => chance.between(1, 5),
            900..985 => chance.between(5, 60),
            _ if self.storm == 0 || chance.below(1000) > 100 + 3 * self.storm => chance.between(60, 400),
            _ => chance.between(1000, 20_000),
        }
    }

    fn fate(&self, chance: &Chance) -> Fate {
        if !chance.permille(self.storm) {
            return Fate::Answered;
        }
        match chance.below(4) {
            0 => Fate::RolledBack,
            1 => Fate::LostBefore,
            2 => Fate::LostAfter,
            _ => Fate::Late(if chance.one_in(5) { chance.between(700, 5000) } else { chance.between(1, 700) }),
        }
    }

    /// Why a statement that arrives now is refused.
    pub(crate) fn refuses(&self, at_ms: u64, writes: bool) -> Option<StoreError> {
        if at_ms < self.down_until_ms {
            return Some(StoreError::backend("the database is down"));
        }
        (writes && at_ms < self.read_only_until_ms).then(|| StoreError::backend("the database is read-only"))
    }
}
