//! A copy that lags behind the database: a replica, or another node of a cluster.

use std::collections::BTreeMap;

use waxseal_http::{Found, RowId};

use super::Database;
use crate::chance::Chance;

/// A copy that has applied the database's changes up to some moment, in their order.
#[derive(Debug, Default)]
pub(crate) struct Copy {
    rows: BTreeMap<RowId, Found>,
    applied: usize,
    /// By how much it lags, in milliseconds.
    pub(crate) lag_ms: u64,
}

impl Copy {
    /// An empty copy.
    pub(crate) fn lagging(chance: &Chance) -> Self {
        let mut copy = Self::default();
        copy.lags_anew(chance);
        copy
    }

    /// It lags by another time from now on.
    pub(crate) fn lags_anew(&mut self, chance: &Chance) {
        self.lag_ms = chance.below(*chance.pick(&[100, 600, 2000, 10_000]).unwrap_or(&100));
    }

    /// What the copy has under an id at a simulated time.
    pub(crate) fn get(&mut self, database: &Database, id: RowId, at_ms: u64) -> Option<&Found> {
        for change in &database.changes()[self.applied..] {
            if change.at_ms + self.lag_ms > at_ms {
                break;
            }
            match &change.now {
                Some(found) => drop(self.rows.insert(change.id, found.clone())),
                None => drop(self.rows.remove(&change.id)),
            }
            self.applied += 1;
        }
        self.rows.get(&id)
    }
}
