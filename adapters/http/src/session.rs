//! One request's session: lazy reads, recorded writes, and the flags that renew or end it.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use http::HeaderValue;
use serde::{Serialize, de::DeserializeOwned};
use waxseal_core::{Changes, Data, RowId, Terms, Ticket, Timestamp, check_subject};

use crate::{
    Found, Outcome, Page, Row, SessionError, SignIn, Typed, TypedData, Which,
    cookie::Cookies,
    sessions::{Engine, Keeping, Loaded, Tickets},
};

/// Labels are cut to this many bytes: they name a device in a list.
const MAX_LABEL_BYTES: usize = 255;

/// A request that began less than this after its session's end was probably sent before the browser knew of it.
const GRACE_S: u64 = 10;

/// How often a response's commit looks for what clones of the handle recorded while it was saving.
const MAX_ROUNDS: u32 = 16;

/// The longest list of a subject's sessions.
pub(crate) const LIST: Page = Page::first(100);

static EMPTY: Data = Data::new();

/// A request's session. Clones are handles to the same one.
///
/// Reads are `async`, for the first of them loads the row. Writes are not: they are recorded, and saved when the response is
/// committed, onto the data as they are then. `renew`, `sign_in`, `destroy` and changes of data are independent of each other's
/// order: `destroy` wins over all, `sign_in` over `renew`.
#[derive(Clone)]
pub struct Session(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) engine: Arc<Engine>,
    cookies: Cookies,
    opened_at: Timestamp,
    /// The tickets of the request's cookies, opened at the first use.
    tickets: OnceLock<Tickets>,
    used: AtomicBool,
    state: Mutex<State>,
    /// Held while loading or saving: one at a time.
    pub(crate) busy: tokio::sync::Mutex<()>,
}

/// What is behind the cookie, as far as is known.
#[derive(Clone, Default)]
pub(crate) enum Behind {
    #[default]
    Unread,
    /// No session: no cookie, or one whose session had ended when it was first read. A write makes a new one.
    Nothing,
    /// A live session.
    Live(Live),
    /// The session was ended or renewed by another request while this one ran. A write is lost.
    Gone,
}

#[derive(Clone)]
pub(crate) struct Live {
    pub(crate) generation: u64,
    pub(crate) label: Option<String>,
    pub(crate) seen_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// The data as they are stored.
    pub(crate) data: Data,
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

#[derive(Default)]
pub(crate) struct State {
    /// Which of the presented tickets it is.
    pub(crate) chosen: usize,
    /// The ticket that replaced the presented one during this request.
    pub(crate) replaced: Option<Ticket>,
    pub(crate) behind: Behind,
    pub(crate) changes: Changes,
    /// The stored data with the changes applied; made when it is asked for.
    view: Option<Data>,
    /// Counts whatever the view is made of.
    version: u64,
    /// Counts how often changes were forgotten: those that a save under way has counted may be among them.
    pub(crate) epoch: u64,
    pub(crate) renewal: Renewal,
    pub(crate) label: Option<String>,
    pub(crate) destroy: bool,
    pub(crate) discarded: bool,
    /// `Set-Cookie` to send.
    pub(crate) cookie: Option<HeaderValue>,
    /// When that was made.
    pub(crate) cookie_at: Timestamp,
    /// This request ended the session itself: the cookie to send is its removal.
    pub(crate) ended: bool,
    /// The response has its headers: no cookie can be sent any more.
    pub(crate) committed: bool,
}

/// What a view is made of, to be made without the lock: an update's closure may use its own session.
struct Parts {
    data: Data,
    changes: Changes,
    version: u64,
}

impl State {
    /// The session's ticket as it is now.
    pub(crate) fn ticket<'a>(&'a self, tickets: &'a Tickets) -> Option<&'a Ticket> {
        self.replaced.as_ref().or_else(|| tickets.get(self.chosen))
    }

    /// The stored data that changes apply to. A sign-in of another subject starts with none: what one user kept is not the next
    /// one's.
    pub(crate) fn base(&self, tickets: &Tickets) -> &Data {
        let other_subject = match (&self.renewal, self.ticket(tickets).and_then(Ticket::subject)) {
            (Renewal::SignIn { subject, .. }, Some(present)) => subject != present,
            _ => false,
        };
        match &self.behind {
            Behind::Live(live) if !other_subject => &live.data,
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

    /// To be called wherever something changes that the view is made of.
    pub(crate) fn outdate(&mut self) {
        self.view = None;
        self.version += 1;
    }

    /// The data as this request sees them, where nothing has to be made for it.
    fn ready(&self, tickets: &Tickets) -> Option<&Data> {
        if self.destroy || matches!(self.behind, Behind::Gone) {
            Some(&EMPTY)
        } else if self.changes.is_empty() {
            Some(self.base(tickets))
        } else {
            self.view.as_ref()
        }
    }

    fn parts(&mut self, tickets: &Tickets) -> Parts {
        let version = self.version;
        match self.view.take() {
            Some(data) => Parts { data, changes: Changes::new(), version },
            None => Parts { data: self.base(tickets).clone(), changes: self.changes.clone(), version },
        }
    }

    fn keep_view(&mut self, made_of: u64, view: Data) {
        if self.version == made_of {
            self.view = Some(view);
        }
    }
}

/// When a session was created and when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// When it was created, or last signed in.
    pub created_at: Timestamp,
    /// When it was last used, as far as touches tell.
    pub last_seen_at: Timestamp,
    /// When it ends unless it is used.
    pub expires_at: Timestamp,
    /// When it ends however much it is used.
    pub deadline: Timestamp,
}

/// One of a subject's sessions, for a list of devices. Its id opens nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// The row's id, by which it can be revoked.
    pub id: RowId,
    /// The device's name, where one was set.
    pub label: Option<String>,
    /// Its times.
    pub times: Times,
    /// Whether it is the session that asked.
    pub is_current: bool,
}

impl SessionInfo {
    pub(crate) fn new(engine: &Engine, row: Row, current: Option<RowId>) -> Self {
        Self {
            id: row.id,
            times: Times {
                created_at: row.created_at,
                last_seen_at: row.seen_at,
                expires_at: engine.expires_at(&row),
                deadline: engine.deadline(&row),
            },
            label: row.label,
            is_current: current == Some(row.id),
        }
    }
}

impl Session {
    pub(crate) fn new(engine: Arc<Engine>, cookies: Cookies) -> Self {
        Self(Arc::new(Inner {
            opened_at: engine.now(),
            engine,
            cookies,
            tickets: OnceLock::new(),
            used: AtomicBool::new(false),
            state: Mutex::default(),
            busy: tokio::sync::Mutex::new(()),
        }))
    }

    // --- Reading ---------------------------------------------------------------------------------------------------------

    /// The value of `key`, or nothing. An error where it is not a `T`, or where the store fails: never an empty session
    /// instead.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        Ok(self.read(|data| data.get(key)).await??)
    }

    /// The keys, in order.
    pub async fn keys(&self) -> Result<Vec<String>, SessionError> {
        self.read(|data| data.keys().map(String::from).collect()).await
    }

    /// A copy of all data.
    pub async fn entries(&self) -> Result<Data, SessionError> {
        self.read(Data::clone).await
    }

    /// Whether no live session is behind the request: it presented none, or one that has ended.
    pub async fn is_new(&self) -> Result<bool, SessionError> {
        self.load().await?;
        Ok(!matches!(self.state().behind, Behind::Live(_)))
    }

    /// Whose session it is, by the database's word; nobody's before sign-in. To protect a handler, ask this. It is asked once a
    /// request: a handler that runs on (a WebSocket, an event stream) does not hear of a sign-out, and must bound its own time.
    pub async fn subject(&self) -> Result<Option<String>, SessionError> {
        self.load().await?;
        let state = self.state();
        if state.destroy {
            return Ok(None);
        }
        if let Renewal::SignIn { subject, .. } = &state.renewal {
            return Ok(Some(subject.clone()));
        }
        Ok(match state.behind {
            Behind::Live(_) => self.ticket(&state).and_then(Ticket::subject).map(String::from),
            _ => None,
        })
    }

    /// The subject **as the cookie says it**, with no database call: authentic and in time, but the session may have been
    /// ended since. To protect a handler, ask [`subject`](Self::subject).
    pub fn ticket_subject(&self) -> Option<&str> {
        self.mark_used();
        self.presented().and_then(Ticket::subject)
    }

    /// The claims **as the cookie says them**, with no database call: a snapshot of when it was issued, in time and authentic,
    /// but the session may have changed or ended since.
    pub fn ticket_claims(&self) -> Option<&Data> {
        self.mark_used();
        self.presented().map(Ticket::claims)
    }

    /// When the session was created and when it ends; nothing for a new one that was not saved yet.
    pub async fn times(&self) -> Result<Option<Times>, SessionError> {
        self.load().await?;
        let state = self.state();
        Ok(match (&state.behind, self.ticket(&state)) {
            (Behind::Live(live), Some(ticket)) => Some(Times {
                created_at: ticket.created_at(),
                last_seen_at: live.seen_at,
                expires_at: live.expires_at,
                deadline: self.0.engine.timeouts.deadline(ticket.created_at(), ticket.lifetime_s()),
            }),
            _ => None,
        })
    }

    /// The id of the session's row: safe to show and to log. Nothing for a new one that was not saved yet. A renewal and a
    /// sign-in change it when they are saved.
    pub async fn id(&self) -> Result<Option<RowId>, SessionError> {
        self.load().await?;
        let state = self.state();
        Ok(match state.behind {
            Behind::Live(_) => self.ticket(&state).map(Ticket::row_id),
            _ => None,
        })
    }

    // --- Writing ---------------------------------------------------------------------------------------------------------

    /// Sets `key`. Setting an equal value is no change. An error where the value cannot be kept; nothing is recorded then.
    pub fn insert(&self, key: &str, value: impl Serialize) -> Result<(), SessionError> {
        let mut change = Changes::new();
        change.insert(key, &value)?;
        self.record(change)
    }

    /// Sets `key` to what `f` makes of its value. `f` runs on the data as they are when the session is saved, and again where
    /// another request was faster: of N concurrent increments none is lost. It must depend on its argument alone.
    ///
    /// Where the session has been read already, an error (the present value is not a `T`) comes back at once and nothing is
    /// recorded; else it comes when the session is read or saved. To know the value that landed, [`save`](Self::save) and then
    /// [`get`](Self::get).
    pub fn update<T, U>(
        &self,
        key: &str,
        f: impl Fn(Option<T>) -> U + Send + Sync + 'static,
    ) -> Result<(), SessionError>
    where
        T: DeserializeOwned,
        U: Serialize,
    {
        let mut change = Changes::new();
        change.update(key, f);
        self.record(change)
    }

    /// Removes `key`.
    pub fn remove(&self, key: &str) {
        let mut change = Changes::new();
        change.remove(key);
        // Only an update can fail.
        let _ = self.record(change);
    }

    /// Reads `key` and removes it: for flash messages. Two requests at once may both read it.
    pub async fn take<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        let value = self.get(key).await?;
        if value.is_some() {
            self.remove(key);
        }
        Ok(value)
    }

    /// Removes every key. The session itself stays, signed in as it was.
    pub fn clear(&self) {
        let mut change = Changes::new();
        change.clear();
        let _ = self.record(change);
    }

    /// Names the device for the list of sessions, for example "Firefox on Linux". Cut to 255 bytes.
    pub fn set_label(&self, label: &str) {
        let end = (0..=label.len().min(MAX_LABEL_BYTES)).rev().find(|end| label.is_char_boundary(*end)).unwrap_or(0);
        self.change(|state| state.label = Some(label[..end].replace(char::is_control, " ")));
    }

    /// The struct that is kept under one key; see [`Typed`].
    pub fn typed<T: TypedData>(&self) -> Typed<T> {
        Typed::new(self.clone())
    }

    // --- Renewing and ending ---------------------------------------------------------------------------------------------

    /// Gives the session to `subject`: a new secret, a new row and a new lifetime; the old cookie is dead at once. The data
    /// stay, unless another subject was signed in: what one user kept is not the next one's. (What *this request* has recorded,
    /// before or after, is kept in any case: `discard` first where it is the former user's.) Other sessions whose cookies the
    /// request presented under the same name are ended.
    ///
    /// Call it at every sign-in, after the credentials were checked (OWASP Session Management Cheat Sheet, "Renew the Session
    /// ID After Any Privilege Level Change"). A sign-in takes effect even where the session before it was ended meanwhile; it
    /// then starts with this request's changes alone.
    pub fn sign_in(&self, subject: &str) -> Result<(), SessionError> {
        self.record_sign_in(subject, self.0.engine.default_terms())
    }

    /// [`sign_in`](Self::sign_in) with other times than the configured ones, for example "remember me". An error where they are
    /// over the configured bounds; nothing is recorded then.
    pub fn sign_in_with(&self, subject: &str, sign_in: SignIn) -> Result<(), SessionError> {
        let engine = &self.0.engine;
        self.record_sign_in(subject, sign_in.terms(engine.default_terms(), &engine.timeouts)?)
    }

    fn record_sign_in(&self, subject: &str, terms: Terms) -> Result<(), SessionError> {
        check_subject(subject)?;
        self.change(|state| {
            state.renewal = Renewal::SignIn { subject: subject.to_owned(), terms };
            state.outdate();
        });
        Ok(())
    }

    /// Ends the session: the same as [`destroy`](Self::destroy), by the name that goes with `sign_in`.
    pub fn sign_out(&self) {
        self.destroy();
    }

    /// Gives the session a new secret and a new row; the old cookie is dead at once. Data, subject, creation time and lifetime
    /// stay. Call it at every change of privilege that is not a sign-in. Renewing a new session does nothing.
    pub fn renew(&self) {
        self.change(|state| {
            if state.renewal == Renewal::None {
                state.renewal = Renewal::Renew;
            }
        });
    }

    /// Ends the session: deletes its row and removes the cookie, whatever the response's status and whatever else the request
    /// did to it, before or after.
    pub fn destroy(&self) {
        self.change(|state| state.destroy = true);
    }

    /// Forgets what this request did to the session so far: nothing is saved and no cookie is sent, unless it is changed
    /// again. What [`save`](Self::save) has saved stays saved.
    pub fn discard(&self) {
        let mut state = self.state();
        state.forget_changes();
        state.destroy = false;
        state.discarded = true;
    }

    /// Saves now what was recorded, so that the handler sees the outcome (and any error), and later reads in this request see
    /// what landed. It stays saved whatever the response's status; the cookie goes out with the response. Once that was
    /// committed, changed data can still be saved, but a sign-in, a renewal or a new session is [`SessionError::TooLate`].
    pub async fn save(&self) -> Result<Outcome, SessionError> {
        self.mark_used();
        self.finish_with(true, false).await
    }

    // --- The subject's sessions ------------------------------------------------------------------------------------------

    /// The live sessions of this session's subject, the most recently seen first, this one marked.
    ///
    /// This and the next two save first where a sign-in or a renewal is recorded: which session is this one must be settled.
    pub async fn list(&self) -> Result<Vec<SessionInfo>, SessionError> {
        let (subject, id) = self.identity().await?;
        let store = self.0.engine.store("listing sessions")?;
        let rows = store.list_by_subject(&subject, self.0.engine.now(), LIST).await?;
        Ok(self.0.engine.listed(rows, id))
    }

    /// Ends one session of this session's subject, at once; `false` where the subject has no such session. Its own id is a
    /// [`sign_out`](Self::sign_out).
    pub async fn revoke(&self, id: RowId) -> Result<bool, SessionError> {
        let (subject, own) = self.identity().await?;
        if own == Some(id) {
            self.sign_out();
            return Ok(true);
        }
        let store = self.0.engine.store("ending a session")?;
        Ok(store.delete_by_subject(&subject, Which::Only(id), self.0.engine.now()).await? > 0)
    }

    /// Ends the subject's other sessions, at once; tells how many. "Log out my other devices".
    pub async fn revoke_others(&self) -> Result<u64, SessionError> {
        let (subject, own) = self.identity().await?;
        let store = self.0.engine.store("ending sessions")?;
        let which = own.map_or(Which::All, Which::AllBut);
        Ok(store.delete_by_subject(&subject, which, self.0.engine.now()).await?)
    }

    /// The subject and, where the session has a row, its id.
    async fn identity(&self) -> Result<(String, Option<RowId>), SessionError> {
        if self.state().renewal != Renewal::None {
            self.save().await?;
        }
        let subject = self.subject().await?.ok_or(SessionError::NotSignedIn)?;
        let id = self.id().await?;
        // As it is now: a session that was ended or renewed meanwhile must not end others.
        if let (Some(id), Keeping::Rows { store, .. }) = (id, &self.0.engine.keeping)
            && store.load(id).await?.and_then(Found::session).is_none()
        {
            return Err(SessionError::NotSignedIn);
        }
        Ok((subject, id))
    }

    // --- Inside ----------------------------------------------------------------------------------------------------------

    /// The tickets of the request's cookies.
    pub(crate) fn tickets(&self) -> &Tickets {
        self.0.tickets.get_or_init(|| self.0.engine.tickets(&self.0.cookies))
    }

    /// The ticket of the request's cookie: where several are authentic, the one whose session is live, once that is known.
    pub(crate) fn presented(&self) -> Option<&Ticket> {
        let tickets = self.tickets();
        let chosen = self.state().chosen;
        tickets.get(chosen)
    }

    /// Whether the request had a cookie of our name, good or not.
    pub(crate) fn cookie_presented(&self) -> bool {
        self.0.cookies.candidates(self.0.engine.cookie.cookie_name()).next().is_some()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session's ticket as it is now.
    pub(crate) fn ticket<'a>(&'a self, state: &'a State) -> Option<&'a Ticket> {
        state.ticket(self.tickets())
    }

    /// Whether anything read or changed the session. One that nobody used adds nothing to the response.
    pub fn is_used(&self) -> bool {
        self.0.used.load(Ordering::Relaxed)
    }

    fn mark_used(&self) {
        self.0.used.store(true, Ordering::Relaxed);
    }

    pub(crate) fn take_cookie(&self) -> Option<HeaderValue> {
        self.state().cookie.take()
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
        parts.changes.apply(&mut parts.data)?;
        let result = f(&parts.data);
        self.state().keep_view(parts.version, parts.data);
        Ok(result)
    }

    fn change(&self, f: impl FnOnce(&mut State)) {
        self.mark_used();
        let mut state = self.state();
        if state.committed {
            tracing::error!(
                "session changed after its response was committed: lost, but for data that a call of save() lands"
            );
        }
        state.discarded = false;
        f(&mut state);
    }

    /// Records a change; tried out first where the session was read already.
    fn record(&self, change: Changes) -> Result<(), SessionError> {
        let known = {
            let mut state = self.state();
            match state.behind {
                Behind::Live(_) | Behind::Nothing if !state.destroy => Some(state.parts(self.tickets())),
                _ => None,
            }
        };
        let view = match known {
            Some(mut parts) => match parts.changes.apply(&mut parts.data) {
                Ok(()) => {
                    if let Err(error) = change.apply(&mut parts.data) {
                        self.state().keep_view(parts.version, parts.data);
                        return Err(error.into());
                    }
                    Some(parts)
                }
                // An earlier change that could not be tried out when it was recorded: the save tells.
                Err(_) => None,
            },
            None => None,
        };
        self.change(|state| {
            state.changes.append(change);
            let before = state.version;
            state.outdate();
            if let Some(parts) = view
                && parts.version == before
            {
                state.view = Some(parts.data);
            }
        });
        Ok(())
    }

    /// Loads the row, once.
    async fn load(&self) -> Result<(), SessionError> {
        self.mark_used();
        if !matches!(self.state().behind, Behind::Unread) {
            return Ok(());
        }
        let _busy = self.0.busy.lock().await;
        if matches!(self.state().behind, Behind::Unread) {
            self.load_while_busy().await?;
        }
        Ok(())
    }

    /// Loads what is behind the presented tickets: the first live session. The caller holds `busy`.
    pub(crate) async fn load_while_busy(&self) -> Result<(), SessionError> {
        let (mut behind, mut chosen) = (Behind::Nothing, 0);
        for (index, ticket) in self.tickets().iter().enumerate() {
            let loaded = match &self.0.engine.keeping {
                Keeping::Stateless => Loaded::Live(Live {
                    generation: 0,
                    label: None,
                    seen_at: ticket.issued_at(),
                    expires_at: self.0.engine.timeouts.bounded_expiry(ticket.issued_at(), ticket.expires_at()),
                    data: ticket.claims().clone(),
                }),
                Keeping::Rows { store, .. } => self.0.engine.load(store.as_ref(), ticket).await?,
            };
            match loaded {
                Loaded::Live(live) => {
                    (behind, chosen) = (Behind::Live(live), index);
                    break;
                }
                Loaded::Ended(at) if !self.0.opened_at.has_reached(at.plus_seconds(GRACE_S)) => behind = Behind::Gone,
                Loaded::Ended(_) | Loaded::Nothing => {}
            }
        }
        let mut state = self.state();
        state.behind = behind;
        state.chosen = chosen;
        state.outdate();
        Ok(())
    }

    /// Ends the request for the session: saves (or, where the response does not commit, discards) what was recorded, also what
    /// clones of the handle record meanwhile.
    pub(crate) async fn finish(&self, commits: bool) -> Result<Outcome, SessionError> {
        // A call of `save` whose future was dropped may still be writing: what it lands, the response must tell.
        drop(self.0.busy.lock().await);
        let outcome = self.finish_all(commits).await?;
        self.check_cookie().await;
        Ok(outcome)
    }

    async fn finish_all(&self, commits: bool) -> Result<Outcome, SessionError> {
        let mut outcome = Outcome::Unchanged;
        for _ in 0..MAX_ROUNDS {
            match self.finish_with(commits, true).await {
                Ok(Outcome::Unchanged) => {}
                Ok(landed) => outcome = landed,
                Err(error) => {
                    self.state().committed = true;
                    return Err(error);
                }
            }
            // Under one lock: what a clone does next is either seen here or told that it is late.
            let mut state = self.state();
            if !state.destroy && !state.has_changes() {
                state.committed = true;
                return Ok(outcome);
            }
        }
        tracing::error!(
            "a clone of the session's handle changes it without end; the response goes out without the last changes"
        );
        self.state().committed = true;
        Ok(outcome)
    }

    async fn finish_with(&self, commits: bool, touch: bool) -> Result<Outcome, SessionError> {
        {
            let mut state = self.state();
            if !state.destroy {
                if !commits {
                    let outcome = if state.has_changes() { Outcome::Discarded } else { Outcome::Unchanged };
                    state.forget_changes();
                    return Ok(outcome);
                }
                let due = match (&state.behind, self.ticket(&state)) {
                    (Behind::Live(live), Some(ticket)) if touch && !state.discarded => {
                        self.0.engine.touch_due(ticket, live)
                    }
                    _ => false,
                };
                if !due && !state.has_changes() {
                    return Ok(Outcome::Unchanged);
                }
            }
        }
        let session = self.clone();
        let write = async move { session.write(touch).await };
        // A task of its own: a save once begun ends even when the client goes away and this future is dropped.
        match tokio::spawn(tracing::Instrument::in_current_span(write)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(SessionError::Interrupted),
        }
    }
}

impl Live {
    pub(crate) fn new(row: Row, data: Data) -> Self {
        Self { generation: row.generation, label: row.label, seen_at: row.seen_at, expires_at: row.expires_at, data }
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
