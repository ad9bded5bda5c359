//! What the model keeps of sessions, lists and ends.

use waxseal_http::RowId;

/// A cookie that was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cookie {
    pub(crate) row: RowId,
    pub(crate) generation: u64,
}

/// A session under one id.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// Counts the sessions: a renewal has a higher number than what it renewed.
    pub(super) number: usize,
    pub(super) lineage: usize,
    /// Which list of numbers it keeps; nothing where nobody knows.
    pub(super) book: Option<usize>,
    pub(super) subject: Option<String>,
    pub(super) idle_ms: u64,
    /// When it ends whatever happens.
    pub(super) deadline: u64,
    /// Until when it lives, unless somebody ends it.
    pub(super) sure_until: u64,
    /// When somebody may have used it last.
    pub(super) last_use: u64,
    /// Since when it has surely expired.
    pub(super) expired: Option<u64>,
    /// How many requests tried something that ends it.
    pub(super) threats: u32,
    /// When somebody first tried something that ends it.
    pub(super) threatened: Option<u64>,
    /// When its end was acknowledged.
    pub(super) ended: Option<u64>,
}

impl Record {
    /// A request presents it: what had expired before stays so.
    pub(super) fn presented(&mut self, at: u64, margin_ms: u64) {
        let end = self.last_use.saturating_add(self.idle_ms).min(self.deadline).saturating_add(margin_ms);
        if end < at {
            self.expired.get_or_insert(end);
        } else {
            self.last_use = self.last_use.max(at);
        }
    }

    /// Somebody tries something that ends it.
    pub(super) fn threaten(&mut self, at: u64) {
        self.threats += 1;
        self.threatened.get_or_insert(at);
    }
}

/// A session from its sign-in through all renewals.
#[derive(Clone, Debug)]
pub(super) struct Lineage {
    pub(super) subject: Option<String>,
    /// When the request began that signed in.
    pub(super) since: u64,
    /// When the end of all of its ids was acknowledged.
    pub(super) ended: Option<u64>,
}

/// A number that a request adds to a list.
#[derive(Clone, Debug)]
pub(super) struct Number {
    /// To which lists it may have been added.
    pub(super) books: Vec<usize>,
    /// It must not appear anywhere: the request discarded it.
    pub(super) forbidden: bool,
    pub(super) written: Option<Written>,
}

/// Where and when an addition was acknowledged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    pub(super) at: u64,
    pub(super) book: usize,
    pub(super) row: RowId,
    pub(super) row_number: usize,
    /// The generation that the response's cookie names.
    pub(super) generation: Option<u64>,
}

/// Something that may end a user's sessions, from its start until it is surely over.
#[derive(Clone, Debug)]
pub(super) struct Threat {
    pub(super) by: u64,
    pub(super) subject: String,
    pub(super) start: u64,
    pub(super) over: u64,
}

/// An acknowledged end of all of a user's sessions but one.
#[derive(Clone, Debug)]
pub(super) struct Revocation {
    pub(super) subject: String,
    pub(super) start: u64,
    pub(super) but: Option<usize>,
}
