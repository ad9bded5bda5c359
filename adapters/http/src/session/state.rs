//! What a request knows about its session, and what it has recorded for it.

use std::sync::{Arc, LazyLock};

use http::HeaderValue;
use waxseal_core::{Changes, Data, RowId, Terms, Ticket, Timestamp};

use crate::{Row, session::settle::Unsettled, tickets::Tickets};

static EMPTY: LazyLock<Arc<Data>> = LazyLock::new(Arc::default);

/// What the cookie leads to, as far as is known.
#[derive(Clone, Default)]
pub(crate) enum Behind {
    #[default]
    Unread,
    /// No session: no cookie, or one whose session had ended when it was first read. A write makes a new one.
    Nothing,
    /// A live session.
    Live(Live),
    /// Another request ended or renewed the session while this one ran. A write is lost.
    Gone,
}

#[derive(Clone)]
pub(crate) struct Live {
    pub(crate) id: RowId,
    pub(crate) generation: u64,
    pub(crate) label: Option<String>,
    pub(crate) seen_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// The data as they are stored. Shared, because they may be large.
    pub(crate) data: Arc<Data>,
}

impl Live {
    pub(crate) fn new(row: Row, data: Data) -> Self {
        let Row { id, generation, label, seen_at, expires_at, .. } = row;
        Self { id, generation, label, seen_at, expires_at, data: Arc::new(data) }
    }
}

#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) enum Renewal {
    #[default]
    None,
    Renew,
    SignIn {
        subject: String,
        terms: Terms,
    },
}

impl Renewal {
    pub(crate) const fn is_sign_in(&self) -> bool {
        matches!(self, Self::SignIn { .. })
    }
}

#[derive(Default)]
pub(crate) struct State {
    /// The index of the presented ticket that the session belongs to.
    pub(crate) chosen: usize,
    /// The ticket that replaced the presented one during this request.
    pub(crate) replaced: Option<Ticket>,
    pub(crate) behind: Behind,
    pub(crate) changes: Changes,
    /// The stored data with the changes applied, if all of them can be applied. Made when it is needed.
    view: Option<Data>,
    /// Counts the changes of whatever the view is made from.
    pub(crate) version: u64,
    /// Counts how often changes were forgotten: changes that a running save has counted may be among them.
    pub(crate) epoch: u64,
    pub(crate) renewal: Renewal,
    pub(crate) label: Option<String>,
    /// The presented session must be ended. What was recorded before is forgotten; what follows belongs to a new session.
    pub(crate) ending: bool,
    /// This request has ended the presented session: the cookie to send is its removal, unless a new session has followed.
    pub(crate) ended: bool,
    pub(crate) discarded: bool,
    /// `Set-Cookie` to send.
    pub(crate) cookie: Option<HeaderValue>,
    /// When that was made.
    pub(crate) cookie_at: Timestamp,
    /// The key of another system's session that this request has adopted or signed out of.
    pub(crate) adopted: Option<Vec<u8>>,
    /// The response has its headers: no cookie can be sent any more.
    pub(crate) committed: bool,
    /// Statements whose effect is not known.
    pub(crate) unsettled: Vec<Unsettled>,
}

/// What a view is made from. The view is made without holding the lock: an update's closure may use its own session.
pub(crate) struct Parts {
    pub(crate) data: Data,
    pub(crate) changes: Changes,
    pub(crate) version: u64,
}

impl State {
    /// The session's ticket as it is now.
    pub(crate) fn ticket<'a>(&'a self, tickets: &'a Tickets) -> Option<&'a Ticket> {
        let presented = if self.ended { None } else { tickets.get(self.chosen) };
        self.replaced.as_ref().or(presented)
    }

    /// The stored data that changes apply to. A sign-in of another subject starts without data: one user's data do not pass to
    /// the next.
    pub(crate) fn base(&self, tickets: &Tickets) -> &Arc<Data> {
        let other_subject = match (&self.renewal, self.ticket(tickets).and_then(Ticket::subject)) {
            (Renewal::SignIn { subject, .. }, Some(present)) => subject != present,
            _ => false,
        };
        match &self.behind {
            Behind::Live(live) if !other_subject && !self.ending => &live.data,
            _ => &EMPTY,
        }
    }

    pub(crate) fn has_changes(&self) -> bool {
        !self.changes.is_empty() || self.renewal != Renewal::None || self.label.is_some()
    }

    pub(crate) fn forget_changes(&mut self) {
        self.changes.forget();
        self.renewal = Renewal::None;
        self.label = None;
        self.epoch += 1;
        self.outdate();
    }

    /// Call it after a change of anything that the view is made from.
    pub(crate) fn outdate(&mut self) {
        self.view = None;
        self.version += 1;
    }

    /// The data as this request sees them, if they are available without making a view.
    pub(crate) fn ready(&self, tickets: &Tickets) -> Option<&Data> {
        if matches!(self.behind, Behind::Gone) {
            Some(&**EMPTY)
        } else if self.changes.is_empty() {
            Some(self.base(tickets))
        } else {
            self.view.as_ref()
        }
    }

    pub(crate) fn parts(&mut self, tickets: &Tickets) -> Parts {
        let version = self.version;
        match self.view.take() {
            Some(data) => Parts { data, changes: Changes::new(), version },
            None => Parts { data: Data::clone(self.base(tickets)), changes: self.changes.clone(), version },
        }
    }

    /// Takes the view for a save: the stored data with the changes applied. `None` if it was not made.
    pub(crate) fn take_view(&mut self) -> Option<Data> {
        self.view.take()
    }

    pub(crate) fn keep_view(&mut self, made_of: u64, view: Data) {
        if self.version == made_of {
            self.view = Some(view);
        }
    }
}
