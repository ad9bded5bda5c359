//! The simulated database: rows and tombstones, statements that are atomic, and copies that lag behind.

mod copy;
mod verbs;

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::Notify;
use waxseal_http::{Admission, Found, Limit, Notice, Page, Row, RowId, Timestamp, Touch, Wanted, Which};

pub(crate) use copy::Copy;

/// A statement as it travels to the database. One for each verb of [`Store`](waxseal_http::Store).
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Load(Vec<Wanted>),
    Insert(Row),
    Update(Save),
    Touch { id: RowId, generation: u64, touch: Touch },
    Rotate { old: RowId, generation: u64, new: Row },
    Admit { old: Option<(RowId, u64)>, new: Row, limit: Limit },
    End { ids: Vec<RowId>, now: Timestamp },
    DeleteExpired { now: Timestamp, limit: u32 },
    List { subject: String, now: Timestamp, page: Page },
    DeleteBySubject { subject: String, which: Which, now: Timestamp },
    EndedSince { since: Timestamp, limit: u32 },
    Now,
}

/// An [`Update`](waxseal_http::Update) that owns its data.
#[derive(Clone, Debug)]
pub(crate) struct Save {
    pub(crate) id: RowId,
    pub(crate) generation: u64,
    pub(crate) now: Timestamp,
    pub(crate) data: Vec<u8>,
    pub(crate) label: Option<String>,
    pub(crate) touch: Option<Touch>,
}

/// What the database answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Found(Vec<Option<Found>>),
    Inserted,
    AlreadyExists,
    Written(bool),
    Admission(Admission),
    Count(u64),
    Rows(Vec<Row>),
    Ids(Vec<RowId>),
    Time(Option<Timestamp>),
}

impl Command {
    /// The name of the verb, for the trace.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Load(_) => "load",
            Self::Insert(_) => "insert",
            Self::Update(_) => "update",
            Self::Touch { .. } => "touch",
            Self::Rotate { .. } => "rotate",
            Self::Admit { .. } => "admit",
            Self::End { .. } => "end_many",
            Self::DeleteExpired { .. } => "delete_expired",
            Self::List { .. } => "list",
            Self::DeleteBySubject { .. } => "delete_by_subject",
            Self::EndedSince { .. } => "ended_since",
            Self::Now => "now",
        }
    }

    /// Whether it changes anything.
    pub(crate) const fn writes(&self) -> bool {
        !matches!(self, Self::Load(_) | Self::List { .. } | Self::EndedSince { .. } | Self::Now)
    }
}

/// A change that was committed, for copies and for a feed of changes.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// When it was committed, in simulated milliseconds.
    pub(crate) at_ms: u64,
    pub(crate) id: RowId,
    pub(crate) now: Option<Found>,
}

/// What the database has told those who listen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    /// A ping goes to the process alone that sent it.
    pub(crate) to: Option<u64>,
    pub(crate) notice: Notice,
}

/// All that is committed, in order and as it stands.
#[derive(Debug, Default)]
pub(crate) struct Database {
    rows: BTreeMap<RowId, Found>,
    changes: Vec<Change>,
    feed: Vec<Told>,
    heard: Arc<Notify>,
    /// The simulated time, set before each statement.
    pub(crate) at_ms: u64,
}

impl Database {
    /// What stands under an id.
    pub(crate) fn get(&self, id: RowId) -> Option<&Found> {
        self.rows.get(&id)
    }

    /// The row under an id, where it has not been ended.
    pub(crate) fn row(&self, id: RowId) -> Option<&Row> {
        match self.rows.get(&id) {
            Some(Found::Session(row)) => Some(row),
            _ => None,
        }
    }

    /// All rows that were not ended.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = &Row> {
        self.rows.values().filter_map(|found| match found {
            Found::Session(row) => Some(row),
            Found::Ended(_) => None,
        })
    }

    /// Commits what stands under an id from now on.
    pub(crate) fn put(&mut self, id: RowId, now: Option<Found>) {
        match &now {
            Some(found) => drop(self.rows.insert(id, found.clone())),
            None => drop(self.rows.remove(&id)),
        }
        let notice = match &now {
            Some(Found::Session(row)) => Notice::Changed(id, row.generation),
            _ => Notice::Outdated(id),
        };
        self.tell(None, notice);
        self.changes.push(Change { at_ms: self.at_ms, id, now });
    }

    /// Tells those who listen.
    pub(crate) fn tell(&mut self, to: Option<u64>, notice: Notice) {
        self.feed.push(Told { to, notice });
        self.heard.notify_waiters();
    }

    /// All that was told since the beginning.
    pub(crate) fn feed(&self) -> &[Told] {
        &self.feed
    }

    /// Wakes when something is told.
    pub(crate) fn heard(&self) -> Arc<Notify> {
        self.heard.clone()
    }

    /// Every change since the beginning.
    pub(crate) fn changes(&self) -> &[Change] {
        &self.changes
    }
}
