//! What [`Sessions`](crate::Sessions) and every [`Session`](crate::Session) share: keys, store, options, and the decisions that
//! follow from them. It depends on neither of the two.

use std::{sync::Arc, time::Duration};

use http::HeaderValue;
use tokio::sync::Semaphore;
use waxseal_core::{Data, Keyring, Protection, RowId, Terms, Ticket, Timeouts, Timestamp};

use crate::{
    Adopt, CommitPolicy, CookieOptions, Limit, OlderRows, OverLimit, Row, SessionError, SessionInfo, Store, Touch,
    feed::LastFeed, queue::Queues, randomness::Randomness, session::Live, subjects, time::Time, watch::Watchers,
};

/// How many statements that change something may be under way at once, in total. Statements of cancelled requests count too, so
/// that clients who hang up cannot pile them up.
const MAX_IN_FLIGHT: usize = 256;

/// The longest list of a subject's sessions, and the size of its pages.
pub(crate) const PAGE: u32 = 100;

pub(crate) struct Engine {
    pub(crate) keyring: Keyring,
    pub(crate) keeping: Keeping,
    pub(crate) cookie: CookieOptions,
    pub(crate) cookie_aliases: Vec<String>,
    pub(crate) adopter: Option<Box<dyn Adopt>>,
    pub(crate) timeouts: Timeouts,
    pub(crate) older_rows: OlderRows,
    pub(crate) cookie_protection: Protection,
    pub(crate) max_data_bytes: usize,
    pub(crate) max_wait: Duration,
    pub(crate) commit_policy: CommitPolicy,
    pub(crate) max_sessions: Option<(u32, OverLimit)>,
    pub(crate) time: Time,
    pub(crate) randomness: Randomness,
    /// Requests that change a row.
    pub(crate) queues: Queues,
    /// Requests that end a row's session.
    pub(crate) ends: Queues,
    /// Requests that list or end the sessions of a row's subject.
    pub(crate) devices: Queues,
    pub(crate) watchers: Watchers,
    pub(crate) feed: LastFeed,
    pub(crate) in_flight: Arc<Semaphore>,
}

/// Where data are kept.
pub(crate) enum Keeping {
    /// In rows of a store; `claims` names the keys that are copied into the ticket.
    Rows { store: Arc<dyn Store>, protection: Protection, claims: Vec<String> },
    /// In the ticket's claims.
    Stateless,
}

impl Engine {
    pub(crate) fn in_flight() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(MAX_IN_FLIGHT))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.time.now()
    }

    pub(crate) fn store(&self, asked: &'static str) -> Result<&Arc<dyn Store>, SessionError> {
        match &self.keeping {
            Keeping::Rows { store, .. } => Ok(store),
            Keeping::Stateless => Err(SessionError::Stateless(asked)),
        }
    }

    /// Whether the store must be asked for the time.
    pub(crate) fn is_due(&self) -> bool {
        matches!(self.keeping, Keeping::Rows { .. }) && self.time.is_due()
    }

    /// Asks the store for the time if that is due. Await it before the time is used.
    pub(crate) async fn ready(&self) -> Result<(), SessionError> {
        match &self.keeping {
            Keeping::Rows { store, .. } => Ok(self.time.ensure(store.as_ref()).await?),
            Keeping::Stateless => Ok(()),
        }
    }

    /// Whether every save must issue the cookie again, so that it names the newest generation.
    pub(crate) fn always_reissues(&self) -> bool {
        matches!(&self.keeping, Keeping::Rows { store, .. } if store.may_be_behind())
    }

    /// The bound on a subject's sessions.
    pub(crate) fn limit(&self, subject: &str) -> Option<Limit> {
        let (sessions, over) = self.max_sessions?;
        let now_s = self.now().unix_seconds();
        let before = |max_s: u64| Timestamp::from_unix_seconds(now_s.saturating_sub(max_s));
        // The last millisecond of its second: a lifetime ends on whole seconds.
        let created_after =
            Timestamp::from_unix_ms(before(self.timeouts.max_lifetime_s()).unix_ms().saturating_add(999));
        Some(Limit {
            sessions,
            over,
            lock: subjects::lock(subject),
            seen_after: before(self.timeouts.max_idle_s()),
            created_after,
        })
    }

    // --- Times -------------------------------------------------------------------------------------------------------------------

    /// The terms of a session whose sign-in asks for none.
    pub(crate) fn default_terms(&self) -> Terms {
        self.timeouts.terms().with_persistence(self.cookie.is_persistent())
    }

    /// When a row's session ends, however much it is used. The present maximum applies.
    pub(crate) fn deadline(&self, row: &Row) -> Timestamp {
        self.timeouts.deadline(row.created_at, row.lifetime_s)
    }

    /// When a row's session ends unless it is used. The present maximum applies.
    pub(crate) fn expires_at(&self, row: &Row) -> Timestamp {
        self.timeouts.bounded_expiry(row.seen_at, row.expires_at).min(self.deadline(row))
    }

    /// When a ticket's session ends, however much it is used. The present maximum applies.
    pub(crate) fn ticket_deadline(&self, ticket: &Ticket) -> Timestamp {
        self.timeouts.deadline(ticket.created_at(), ticket.lifetime_s())
    }

    /// The times of a session that is used now.
    pub(crate) fn touched(&self, ticket: &Ticket, now: Timestamp) -> Touch {
        let expires_at = self.timeouts.expires_at(now, ticket.idle_s(), self.ticket_deadline(ticket));
        Touch { seen_at: now.whole_seconds(), expires_at }
    }

    pub(crate) fn touch_due(&self, ticket: &Ticket, live: &Live) -> bool {
        self.timeouts.touch_due(self.now(), live.seen_at, ticket.idle_s())
    }

    // --- Data and cookies --------------------------------------------------------------------------------------------------------

    /// Those of a subject's rows that are live, as the list of sessions shows them.
    pub(crate) fn listed(&self, rows: Vec<Row>, current: Option<RowId>) -> Vec<SessionInfo> {
        let now = self.now();
        let live = rows.into_iter().filter(|row| !now.has_reached(self.expires_at(row)));
        live.map(|row| SessionInfo::new(self, row, current)).collect()
    }

    /// The part of the data that a ticket carries.
    pub(crate) fn claims(&self, data: &Data) -> Data {
        match &self.keeping {
            Keeping::Rows { claims, .. } => data.only(claims.iter().map(String::as_str)),
            Keeping::Stateless => data.clone(),
        }
    }

    pub(crate) fn check_size(&self, data: &Data) -> Result<(), SessionError> {
        let (bytes, max) = (data.encoded_len(), self.max_data_bytes);
        if bytes > max { Err(SessionError::DataTooLarge { bytes, max }) } else { Ok(()) }
    }

    /// A ticket for a row of this generation; without a store it stays stateless.
    pub(crate) fn at_generation(&self, ticket: Ticket, generation: u64) -> Ticket {
        match self.keeping {
            Keeping::Rows { .. } => ticket.at_generation(generation),
            Keeping::Stateless => ticket,
        }
    }

    pub(crate) fn set_cookie(&self, ticket: &Ticket, now: Timestamp) -> Result<HeaderValue, SessionError> {
        let value = self.keyring.write_ticket(
            ticket,
            self.cookie.cookie_name(),
            self.cookie_protection,
            self.randomness.nonce()?,
        )?;
        let end = match self.keeping {
            // The row's idle expiry is the truth: the browser keeps the cookie for as long as the row might live.
            Keeping::Rows { .. } => self.ticket_deadline(ticket),
            Keeping::Stateless => ticket.expires_at(),
        };
        self.cookie.set(&value, ticket.is_persistent().then(|| end.seconds_since(now)))
    }
}
