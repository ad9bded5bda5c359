//! Sessions as an application sets them up once: opening and committing, and what is done to a subject's sessions from outside.

use std::{fmt, sync::Arc};

use http::{HeaderMap, StatusCode};
use waxseal_core::{Keyring, Protection, RowContext, RowId, Terms, Ticket, TicketError, Timeouts, Timestamp};

use crate::{
    Clock, CommitPolicy, CookieOptions, Found, OlderRows, Outcome, Row, Session, SessionError, SessionInfo,
    SessionsBuilder, Store, StoreError, Which,
    contention::Contention,
    cookie::Cookies,
    headers,
    session::{LIST, Live},
};

/// The sessions of an application: keyring, store and options. Cheap to clone.
#[derive(Clone)]
pub struct Sessions(pub(crate) Arc<Engine>);

/// What [`Sessions`] and every [`Session`] share.
pub(crate) struct Engine {
    pub(crate) keyring: Keyring,
    pub(crate) keeping: Keeping,
    pub(crate) cookie: CookieOptions,
    pub(crate) timeouts: Timeouts,
    pub(crate) older_rows: OlderRows,
    pub(crate) cookie_protection: Protection,
    pub(crate) max_data_bytes: usize,
    pub(crate) commit_policy: CommitPolicy,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) contention: Contention,
}

/// Where data are kept.
pub(crate) enum Keeping {
    /// In rows of a store; `claims` names the keys that are copied into the ticket.
    Rows { store: Arc<dyn Store>, protection: Protection, claims: Vec<String> },
    /// In the ticket's claims.
    Stateless,
}

/// What is behind a ticket.
pub(crate) enum Loaded {
    Live(Live),
    /// Ended by a sign-out, a revocation or a renewal at this time.
    Ended(Timestamp),
    Nothing,
}

/// The authentic tickets of a request, in the order of its cookies: as a rule one, so that the rest allocates nothing.
#[derive(Default)]
pub(crate) struct Tickets {
    first: Option<Ticket>,
    more: Vec<Ticket>,
}

/// How many authentic tickets of one request count.
const MAX_TICKETS: usize = 4;

impl Tickets {
    fn push(&mut self, ticket: Ticket) {
        match self.first {
            None => self.first = Some(ticket),
            Some(_) => self.more.push(ticket),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Ticket> {
        self.first.iter().chain(&self.more)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Ticket> {
        match index.checked_sub(1) {
            None => self.first.as_ref(),
            Some(index) => self.more.get(index),
        }
    }
}

impl Engine {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The presented cookies that are ours. Refusals look the same from outside; the log has the reason.
    pub(crate) fn tickets(&self, cookies: &Cookies) -> Tickets {
        let (name, now) = (self.cookie.cookie_name(), self.now());
        let mut tickets = Tickets::default();
        for value in cookies.candidates(name) {
            if tickets.more.len() + 1 == MAX_TICKETS {
                break;
            }
            match self.keyring.open_ticket(name, value, now) {
                Ok(ticket) => match self.refusal(&ticket, now) {
                    None => tickets.push(ticket),
                    Some(reason) => tracing::debug!(row_id = %ticket.row_id(), reason, "session cookie refused"),
                },
                Err(reason @ (TicketError::Forged | TicketError::UnknownKey(_))) => {
                    tracing::warn!(%reason, "session cookie refused");
                }
                Err(reason) => tracing::debug!(%reason, "session cookie refused"),
            }
        }
        tickets
    }

    /// Why an authentic ticket is none here, if so.
    fn refusal(&self, ticket: &Ticket, now: Timestamp) -> Option<&'static str> {
        match (&self.keeping, ticket.is_stateless()) {
            (Keeping::Rows { .. }, true) => return Some("it is a stateless session's, and these have a store"),
            (Keeping::Stateless, false) => return Some("its session has a row, and these sessions are stateless"),
            _ => {}
        }
        if now.has_reached(self.timeouts.deadline(ticket.created_at(), ticket.lifetime_s())) {
            return Some("the lifetime that is configured now is over");
        }
        let idle_expiry = self.timeouts.bounded_expiry(ticket.issued_at(), ticket.expires_at());
        (ticket.is_stateless() && now.has_reached(idle_expiry)).then_some("the idle timeout is reached")
    }

    /// The terms of a session whose sign-in asks for none.
    pub(crate) fn default_terms(&self) -> Terms {
        self.timeouts.terms().with_persistence(self.cookie.is_persistent())
    }

    /// When a row's session ends whatever happens. The bound of now counts.
    pub(crate) fn deadline(&self, row: &Row) -> Timestamp {
        self.timeouts.deadline(row.created_at, row.lifetime_s)
    }

    /// When a row's session ends unless it is used. The bound of now counts.
    pub(crate) fn expires_at(&self, row: &Row) -> Timestamp {
        self.timeouts.bounded_expiry(row.seen_at, row.expires_at).min(self.deadline(row))
    }

    /// The live ones of a subject's rows, as the list of sessions shows them.
    pub(crate) fn listed(&self, rows: Vec<Row>, current: Option<RowId>) -> Vec<SessionInfo> {
        let now = self.now();
        let live = rows.into_iter().filter(|row| !now.has_reached(self.expires_at(row)));
        live.map(|row| SessionInfo::new(self, row, current)).collect()
    }

    /// What is behind a ticket. What does not open is no session (and an error in the log), never an empty live one.
    pub(crate) async fn load(&self, store: &dyn Store, ticket: &Ticket) -> Result<Loaded, SessionError> {
        let id = ticket.row_id();
        let mut row = match store.load(id).await {
            Ok(Some(Found::Session(row))) => row,
            Ok(Some(Found::Ended(at))) => {
                tracing::debug!(row_id = %id, "session ended: signed out, revoked or renewed");
                return Ok(Loaded::Ended(at));
            }
            Ok(None) => {
                tracing::debug!(row_id = %id, "session ended: its row is gone");
                return Ok(Loaded::Nothing);
            }
            // It will not mend itself: an error would lock users out for as long as they keep the cookie.
            Err(StoreError::Damaged(why)) => {
                tracing::error!(row_id = %id, why, "session row refused: it is damaged");
                return Ok(Loaded::Nothing);
            }
            Err(error) => return Err(error.into()),
        };
        if self.now().has_reached(self.expires_at(&row)) {
            tracing::debug!(row_id = %id, "session ended: expired");
            return Ok(Loaded::Nothing);
        }
        // The id is a hash, and known already: `Ticket::row_context` would derive it again.
        let context = RowContext {
            row_id: id,
            generation: row.generation,
            created_at: ticket.created_at(),
            lifetime_s: ticket.lifetime_s(),
            subject: ticket.subject(),
        };
        let same = row.id == id
            && row.created_at == context.created_at
            && row.lifetime_s == context.lifetime_s
            && row.subject.as_deref() == context.subject;
        if !same {
            tracing::error!(row_id = %id, "session row refused: its columns are not those of its ticket");
            return Ok(Loaded::Nothing);
        }
        if row.generation < ticket.generation() {
            let (generation, expected) = (row.generation, ticket.generation());
            tracing::error!(row_id = %id, generation, expected, policy = ?self.older_rows, "session row is older than its cookie");
            if self.older_rows == OlderRows::Refuse {
                return Ok(Loaded::Nothing);
            }
        }
        row.expires_at = self.expires_at(&row);
        match self.keyring.open_row_of_any_generation(ticket.secret(), &context, std::mem::take(&mut row.data)) {
            Ok(data) => Ok(Loaded::Live(Live::new(row, data))),
            Err(reason) => {
                tracing::error!(row_id = %id, %reason, "session row refused");
                Ok(Loaded::Nothing)
            }
        }
    }

    pub(crate) fn store(&self, asked: &'static str) -> Result<&dyn Store, SessionError> {
        match &self.keeping {
            Keeping::Rows { store, .. } => Ok(store.as_ref()),
            Keeping::Stateless => Err(SessionError::Stateless(asked)),
        }
    }
}

impl Sessions {
    /// Sets up sessions whose data are kept in `store`.
    pub fn builder(keyring: Keyring, store: impl Store) -> SessionsBuilder {
        SessionsBuilder::new(keyring, Some(Arc::new(store)))
    }

    /// Sets up sessions without a store: the data travel in the sealed cookie, at most some 3,800 bytes of it.
    ///
    /// What needs a row cannot be had: a session cannot be ended from elsewhere (rules R5 and R6 have no subject; `destroy`
    /// only removes the cookie, and a copy of it stays good until its times run out), a renewal does not end the old cookie
    /// (R12), and of two requests at once the later response's data win (R7, R8). All other rules hold. Prefer a store.
    pub fn stateless(keyring: Keyring) -> SessionsBuilder {
        SessionsBuilder::new(keyring, None)
    }

    /// The session that a request's headers present; a new, empty one where they present none that is good. Never fails, never
    /// asks the store, and opens the cookie only when the session is first used.
    pub fn open(&self, headers: &HeaderMap) -> Session {
        Session::new(self.0.clone(), Cookies::of(headers))
    }

    /// Saves what the request did to its session and adds the response's headers: `Set-Cookie`, `Cache-Control`, `Vary`.
    ///
    /// `status` is the response's: see [`CommitPolicy`]. On an error nothing was saved (but what [`Session::save`] had saved
    /// before); the response must then not claim success: answer with [`SessionError::status`] and pass the headers of *that*
    /// response to [`write_headers`](Self::write_headers).
    pub async fn commit(
        &self,
        session: &Session,
        status: StatusCode,
        headers: &mut HeaderMap,
    ) -> Result<Outcome, SessionError> {
        if self.commit_unused(session) {
            return Ok(Outcome::Unused);
        }
        let outcome = session.finish(self.0.commit_policy.commits(status)).await?;
        self.write_headers(session, headers);
        Ok(outcome)
    }

    /// Commits a session that nobody looked at, without waiting, for there is nothing to save; `false`, and nothing done, where
    /// somebody did. For adapters that would have to box the future of [`commit`](Self::commit).
    pub fn commit_unused(&self, session: &Session) -> bool {
        let unused = !session.is_used();
        if unused {
            session.state().committed = true;
        }
        unused
    }

    /// The session that an outer middleware of the same sessions has opened for this request: an inner one leaves opening and
    /// committing to it, for two of them would send two cookies.
    pub fn joined(&self, installed: Option<&Session>) -> Option<Session> {
        installed.filter(|session| Arc::ptr_eq(&session.0.engine, &self.0)).cloned()
    }

    /// Adds what the session has to say to a response's headers, without saving: for the response that tells of a failed
    /// [`commit`](Self::commit).
    pub fn write_headers(&self, session: &Session, headers: &mut HeaderMap) {
        if session.is_used() {
            headers::vary_cookie(headers);
        }
        if let Some(cookie) = session.take_cookie() {
            headers::set_cookie(headers, cookie);
        }
    }

    /// The live sessions of a subject, the most recently seen first.
    pub async fn list(&self, subject: &str) -> Result<Vec<SessionInfo>, SessionError> {
        let rows = self.0.store("listing sessions")?.list_by_subject(subject, self.0.now(), LIST).await?;
        Ok(self.0.listed(rows, None))
    }

    /// Ends one session of a subject; `false` where the subject has no such session.
    pub async fn revoke(&self, subject: &str, id: RowId) -> Result<bool, SessionError> {
        Ok(self.0.store("ending a session")?.delete_by_subject(subject, Which::Only(id), self.0.now()).await? > 0)
    }

    /// Ends all sessions of a subject but one; tells how many.
    pub async fn revoke_others(&self, subject: &str, keep: RowId) -> Result<u64, SessionError> {
        Ok(self.0.store("ending sessions")?.delete_by_subject(subject, Which::AllBut(keep), self.0.now()).await?)
    }

    /// Ends all sessions of a subject; tells how many. After a changed password or a stolen device.
    pub async fn revoke_all(&self, subject: &str) -> Result<u64, SessionError> {
        Ok(self.0.store("ending sessions")?.delete_by_subject(subject, Which::All, self.0.now()).await?)
    }

    /// The timeouts in force.
    pub fn timeouts(&self) -> &Timeouts {
        &self.0.timeouts
    }

    /// The cookie's name.
    pub fn cookie_name(&self) -> &str {
        self.0.cookie.cookie_name()
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("keyring", &self.0.keyring)
            .field("cookie", &self.0.cookie)
            .field("timeouts", &self.0.timeouts)
            .finish_non_exhaustive()
    }
}
