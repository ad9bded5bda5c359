//! One request's session: what a handler reads, and when it is saved.
//!
//! `state` is what the request knows and has recorded, `record` has the handler's writes, `commit` the end of the request, `load`
//! and `save` the access to the store, `devices` the subject's other sessions.

mod accept;
mod adopting;
mod carry_out;
mod commit;
mod devices;
mod end;
mod ended;
mod info;
mod load;
mod overtaken;
mod record;
mod save;
pub(crate) mod settle;
mod state;
mod statement;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use http::{HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use waxseal_core::{Data, RowId, Ticket, Timestamp};

use crate::{
    OldCookie, Outcome, SessionError,
    cookie::Cookies,
    engine::Engine,
    metrics,
    tickets::Tickets,
    time::Moment,
    told::Told,
    wait::{Patience, Waiting},
};

pub use info::{SessionInfo, Times};
pub(crate) use record::reader;
pub(crate) use state::{Behind, Live, Renewal, State};

/// A request's session. Clones are handles to the same session.
///
/// Reads are `async`: the first one loads the row. Writes are not: they are recorded, and applied to the newest data when the
/// response is committed. The order of writes, `renew` and `sign_in` within a request does not matter. The order does matter for
/// `sign_out`: it ends the session and drops everything recorded before it; what is recorded after it belongs to a new session.
#[derive(Clone)]
pub struct Session(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) engine: Arc<Engine>,
    cookies: Cookies,
    /// All headers, if an adopter may recognise another system's session in them.
    headers: Option<HeaderMap>,
    opened: Moment,
    /// The tickets of the request's cookies, opened at the first use.
    tickets: OnceLock<Tickets>,
    /// The same, opened again after the store has told the time.
    in_time: OnceLock<Tickets>,
    used: AtomicBool,
    state: Mutex<State>,
    /// Held while loading or saving: one at a time.
    pub(crate) busy: Arc<tokio::sync::Mutex<()>>,
    patience: Patience,
    told: Told,
}

impl Session {
    pub(crate) fn new(engine: Arc<Engine>, headers: &HeaderMap) -> Self {
        Self(Arc::new(Inner {
            headers: engine.adopter.is_some().then(|| headers.clone()),
            cookies: Cookies::of(headers),
            opened: engine.time.moment(),
            patience: Patience::new(engine.max_wait),
            engine,
            tickets: OnceLock::new(),
            in_time: OnceLock::new(),
            used: AtomicBool::new(false),
            state: Mutex::default(),
            busy: Arc::default(),
            told: Told::default(),
        }))
    }

    // --- Reading ---------------------------------------------------------------------------------------------------------

    /// The value of `key`, or `None` if it is absent. An error if the value is not a `T`, or if the store fails: a failure is
    /// never taken for an empty session.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        let value = self.read(|data| data.get(key)).await?;
        self.told("get", value.map_err(SessionError::from))
    }

    /// The keys, in order.
    pub async fn keys(&self) -> Result<Vec<String>, SessionError> {
        self.read(|data| data.keys().map(String::from).collect()).await
    }

    /// A copy of all data.
    pub async fn entries(&self) -> Result<Data, SessionError> {
        self.read(Data::clone).await
    }

    /// Whether the request has no live session: it presented none, or one that has ended.
    pub async fn is_new(&self) -> Result<bool, SessionError> {
        self.load().await?;
        Ok(!matches!(self.state().behind, Behind::Live(_)))
    }

    /// Whose session it is, checked against the database; `None` before a sign-in. Use this to protect a handler. The database is
    /// asked once per request: a handler that keeps running (a WebSocket, an event stream) must also await
    /// [`ended`](Self::ended).
    pub async fn subject(&self) -> Result<Option<String>, SessionError> {
        self.load().await?;
        let state = self.state();
        if let Renewal::SignIn { subject, .. } = &state.renewal {
            return Ok(Some(subject.clone()));
        }
        Ok(match state.behind {
            Behind::Live(_) if !state.ending => self.ticket(&state).and_then(Ticket::subject).map(String::from),
            _ => None,
        })
    }

    /// The subject **according to the cookie**, without a database call. The cookie is authentic and has not expired, but the
    /// session may have been ended since. To protect a handler, use [`subject`](Self::subject).
    pub fn ticket_subject(&self) -> Option<&str> {
        self.mark_used();
        self.presented().and_then(Ticket::subject)
    }

    /// The claims **according to the cookie**, without a database call: a snapshot from when the cookie was issued. The cookie is
    /// authentic and has not expired, but the session may have changed or ended since.
    pub fn ticket_claims(&self) -> Option<&Data> {
        self.mark_used();
        self.presented().map(Ticket::claims)
    }

    /// When the session was created and when it ends. `None` for a new session that is not saved yet.
    pub async fn times(&self) -> Result<Option<Times>, SessionError> {
        self.load().await?;
        let state = self.state();
        Ok(match (&state.behind, self.ticket(&state)) {
            (Behind::Live(live), Some(ticket)) => Some(Times {
                created_at: ticket.created_at(),
                last_seen_at: live.seen_at,
                expires_at: live.expires_at,
                deadline: self.0.engine.ticket_deadline(ticket),
            }),
            _ => None,
        })
    }

    /// The id of the session's row, safe to show and to log. `None` for a new session that is not saved yet. Saving a renewal or
    /// a sign-in changes it.
    pub async fn id(&self) -> Result<Option<RowId>, SessionError> {
        self.load().await?;
        let state = self.state();
        Ok(match state.behind {
            Behind::Live(_) => self.ticket(&state).map(Ticket::row_id),
            _ => None,
        })
    }

    /// Saves what was recorded now, so that the handler sees the outcome and any error, and later reads in this request see what
    /// was saved. It stays saved whatever the response's status; the cookie is sent with the response. After the response was
    /// committed, changed data can still be saved, but a sign-in, a renewal or a new session is [`SessionError::TooLate`].
    pub async fn save(&self) -> Result<Outcome, SessionError> {
        self.mark_used();
        let saved = self.finish_with(true, false).await;
        metrics::save(&saved);
        self.told("save", saved)
    }

    // --- Inside ----------------------------------------------------------------------------------------------------------

    /// The tickets of the request's cookies.
    pub(crate) fn tickets(&self) -> &Tickets {
        let opened = || self.0.tickets.get_or_init(|| self.0.engine.tickets(&self.0.cookies));
        self.0.in_time.get().unwrap_or_else(opened)
    }

    /// Await this before the store is asked. Afterwards the time is known, and tickets that were opened before are opened again.
    pub(crate) async fn ready(&self) -> Result<(), SessionError> {
        // Boxed because it is rare: every request moves whatever its future may ever await.
        if self.0.engine.is_due() {
            self.wait(Box::pin(self.0.engine.ready())).await??;
        }
        if self.0.tickets.get().is_some_and(|tickets| tickets.untimed) {
            self.0.in_time.get_or_init(|| self.0.engine.tickets(&self.0.cookies));
        }
        Ok(())
    }

    /// When the request began.
    pub(crate) fn opened_at(&self) -> Timestamp {
        self.0.engine.time.of(self.0.opened)
    }

    /// The ticket of the request's cookie. If several are authentic: the one whose session is live, once that is known.
    pub(crate) fn presented(&self) -> Option<&Ticket> {
        let tickets = self.tickets();
        let chosen = self.state().chosen;
        tickets.get(chosen)
    }

    /// Whether the request had a cookie with our name or a former one, valid or not.
    pub(crate) fn cookie_presented(&self) -> bool {
        let engine = &self.0.engine;
        let mut names = engine.cookie_aliases.iter().map(String::as_str).chain([engine.cookie.cookie_name()]);
        names.any(|name| self.0.cookies.candidates(name).next().is_some())
    }

    /// The cookies of another system whose session was adopted in this request.
    pub(crate) fn adopted_cookies(&self) -> Vec<OldCookie> {
        let adopter = self.0.engine.adopter.as_ref().filter(|_| self.state().adopted.is_some());
        adopter.map(|adopter| adopter.cookies()).unwrap_or_default()
    }

    /// The former names under which the request has a cookie.
    pub(crate) fn presented_aliases(&self) -> impl Iterator<Item = &str> {
        let aliases = self.0.engine.cookie_aliases.iter().map(String::as_str);
        aliases.filter(|name| self.0.cookies.candidates(name).next().is_some())
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session's ticket as it is now.
    pub(crate) fn ticket<'a>(&'a self, state: &'a State) -> Option<&'a Ticket> {
        state.ticket(self.tickets())
    }

    /// The id of the session's row as it is now, if it has one.
    pub(crate) fn row_id(&self) -> Option<RowId> {
        self.ticket(&self.state()).map(Ticket::row_id)
    }

    /// Whether anything read or changed the session. A session that was not used adds nothing to the response.
    pub fn is_used(&self) -> bool {
        self.0.used.load(Ordering::Relaxed)
    }

    /// The name of the cookie that carries the session.
    pub fn cookie_name(&self) -> &str {
        self.0.engine.cookie.cookie_name()
    }

    pub(crate) fn mark_used(&self) {
        self.0.used.store(true, Ordering::Relaxed);
    }

    pub(crate) fn take_cookie(&self) -> Option<HeaderValue> {
        self.state().cookie.take()
    }

    /// Waits within the request's time limit.
    pub(crate) fn wait<F: Future>(&self, future: F) -> Waiting<'_, F> {
        self.0.patience.wait(future)
    }

    /// Logs an error that is answered with 5xx.
    pub(crate) fn told<T>(&self, tried: &'static str, result: Result<T, SessionError>) -> Result<T, SessionError> {
        if let Err(error) = &result {
            self.0.told.error(tried, self.row_id(), error);
        }
        result
    }

    async fn read<R>(&self, f: impl FnOnce(&Data) -> R) -> Result<R, SessionError> {
        self.load().await?;
        let mut parts = {
            let mut state = self.state();
            if let Some(data) = state.ready(self.tickets()) {
                return Ok(f(data));
            }
            state.parts(self.tickets())
        };
        // A change that does not fit is reported when it is saved; the others can be read.
        let all_fit = parts.changes.apply_what_fits(&mut parts.data).is_empty();
        let result = f(&parts.data);
        if all_fit {
            self.state().keep_view(parts.version, parts.data);
        }
        Ok(result)
    }
}

impl fmt::Debug for Session {
    /// The presented row's id; no data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ticket = self.0.tickets.get().and_then(|tickets| tickets.get(0));
        f.debug_struct("Session")
            .field("presented", &ticket.map(|ticket| ticket.row_id().to_string()))
            .finish_non_exhaustive()
    }
}
