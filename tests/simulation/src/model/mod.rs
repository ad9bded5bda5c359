//! The model: what the application was told, kept simply, and what must follow from it.
//!
//! It knows nothing of the database. What a request attempts may happen from then on; what a response acknowledges has happened.

mod begin;
mod checks;
mod finish;
mod note;
mod records;

use std::collections::{BTreeMap, BTreeSet};

use waxseal_http::{Keyring, OverLimit, RowId};

use crate::{
    application::{Act, Request},
    chance::Chance,
    node::Keys,
    settings::{Reads, Settings},
};
pub(crate) use records::Cookie;
use records::{Lineage, Number, Record, Revocation, Threat};

/// How far the nodes' ideas of the time may be apart, in milliseconds.
const MARGIN_MS: u64 = 2000;

/// A moment that never comes.
const NEVER: u64 = u64::MAX;

/// A promise that was broken.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The name of the check.
    pub check: &'static str,
    pub what: String,
}

/// A request that has begun.
#[derive(Debug)]
struct Pending {
    request: Request,
    start: u64,
    node_keys: Keys,
    /// Which sessions its cookies name, in their order, and at which generation.
    presented: Vec<(RowId, u64)>,
}

impl Pending {
    /// Whether it ends what it presents: to revoke one's own session is to sign out.
    fn signs_out(&self) -> bool {
        self.request.acts.iter().any(|act| match act {
            Act::SignOut => true,
            Act::Revoke(id) => self.presented.iter().any(|(own, _)| own == id),
            _ => false,
        })
    }
}

/// The model of a run.
#[derive(Debug)]
pub(crate) struct Model {
    ring: Keyring,
    reads: Reads,
    limit: Option<(u32, OverLimit)>,
    touch_ms: u64,
    rows: BTreeMap<RowId, Record>,
    cookies: BTreeMap<String, Cookie>,
    /// The cookies in the order in which they were sent.
    sent: Vec<String>,
    lineages: Vec<Lineage>,
    books: usize,
    numbers: BTreeMap<u64, Number>,
    notes: Vec<note::Notes>,
    taken: BTreeSet<u64>,
    pending: BTreeMap<u64, Pending>,
    threats: Vec<Threat>,
    revocations: Vec<Revocation>,
    revoked_by_id: BTreeMap<RowId, u64>,
    /// The newest key with which any node seals.
    primary: u8,
    violation: Option<Violation>,
}

impl Model {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            ring: Keys { newest: 9, primary: 0 }.ring(),
            reads: settings.reads,
            limit: settings.limit,
            touch_ms: settings.touch_s * 1000,
            rows: BTreeMap::new(),
            cookies: BTreeMap::new(),
            sent: Vec::new(),
            lineages: Vec::new(),
            books: 0,
            numbers: BTreeMap::new(),
            notes: Vec::new(),
            taken: BTreeSet::new(),
            pending: BTreeMap::new(),
            threats: Vec::new(),
            revocations: Vec::new(),
            revoked_by_id: BTreeMap::new(),
            primary: 0,
            violation: None,
        }
    }

    /// The first promise that was broken.
    pub(crate) const fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// Records that a promise was broken.
    pub(crate) fn broken(&mut self, check: &'static str, what: String) {
        self.violation.get_or_insert(Violation { check, what });
    }

    /// A node seals with these keys from now on.
    pub(crate) fn seals_with(&mut self, keys: Keys) {
        self.primary = self.primary.max(keys.primary);
    }

    /// A handler was given a one-time code.
    pub(crate) fn taken(&mut self, code: u64) {
        if !self.taken.insert(code) {
            self.broken("taken", format!("the one-time code {code} was given out twice"));
        }
    }

    /// All cookies that were ever sent, in their order.
    pub(crate) fn cookies(&self) -> &[String] {
        &self.sent
    }

    /// One of the cookies that were sent, most likely one of the last.
    pub(crate) fn some_cookie(&self, chance: &Chance) -> Option<String> {
        let recent = if chance.one_in(2) { self.sent.len().saturating_sub(12) } else { 0 };
        chance.pick(&self.sent[recent..]).cloned()
    }

    /// How many numbers were written to the list behind a cookie.
    pub(crate) fn written(&self, cookie: &str) -> usize {
        let book = self.cookies.get(cookie).and_then(|cookie| self.rows.get(&cookie.row)?.book);
        book.map_or(0, |book| self.numbers.values().filter(|number| number.books.contains(&book)).count())
    }

    /// How many requests are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.pending.len()
    }
}
