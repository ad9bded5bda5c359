//! Saving: how what a request recorded becomes one statement (or one transaction) on the newest row.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use http::HeaderValue;
use waxseal_core::{Changes, Data, Nonce, RowId, Secret, Ticket, Timestamp};

use crate::{
    Found, Row, Session, SessionError, Store, StoreError, Touch, Update,
    session::{Behind, Live, Renewal, State},
    sessions::{Engine, Keeping, Loaded},
};

/// How often a save is tried again on newer data. Within a process collisions queue, so that only other processes count.
const MAX_ATTEMPTS: u32 = 100;

/// What became of a request's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// Nobody looked at it.
    Unused,
    /// It was read, or changed to what it was.
    Unchanged,
    /// It was read, and its idle expiry moved.
    Touched,
    /// A new session was made.
    Created,
    /// Changed data were saved.
    Saved,
    /// It was renewed or signed in, with its changes.
    Renewed,
    /// It was ended.
    Destroyed,
    /// The response did not commit: changes, sign-in or renewal were dropped, and the old cookie stays good.
    Discarded,
    /// Another request ended or renewed the session while this one ran: its changes were dropped, not brought back to life.
    Gone,
}

/// What is to be saved, as of one moment.
struct Work {
    ticket: Option<Ticket>,
    behind: Behind,
    changes: Changes,
    renewal: Renewal,
    label: Option<String>,
    destroy: bool,
    committed: bool,
    epoch: u64,
    /// The stored data and what the changes make of them.
    base: Data,
}

impl Work {
    /// The label to save, where it is another than the present one.
    fn new_label(&self, live: &Live) -> Option<&str> {
        self.label.as_deref().filter(|label| live.label.as_deref() != Some(label))
    }

    /// Forgets just what this was: a clone of the handle may have recorded more meanwhile, or have discarded it.
    fn settle(&self, state: &mut State) {
        if state.epoch == self.epoch {
            state.changes.forget_first(self.changes.len());
        }
        if state.renewal == self.renewal {
            state.renewal = Renewal::None;
        }
        if state.label == self.label {
            state.label = None;
        }
        state.outdate();
    }
}

/// What a save landed.
struct Landed {
    ticket: Option<Ticket>,
    live: Live,
    cookie: Option<HeaderValue>,
}

impl Session {
    /// Saves what is recorded, or touches. On an error all stays recorded.
    pub(crate) async fn write(&self, touch: bool) -> Result<Outcome, SessionError> {
        let _busy = self.0.busy.lock().await;
        let engine = &self.0.engine;
        let mut queue = None;
        for attempt in 0..MAX_ATTEMPTS {
            if matches!(self.state().behind, Behind::Unread) && !self.state().destroy {
                self.load_while_busy().await?;
            }
            let work = self.work();
            if work.destroy {
                return self.end(work.ticket.as_ref()).await;
            }
            let mut data = work.base.clone();
            work.changes.apply(&mut data)?;
            let now = engine.now();
            let (landed, outcome) = match (&work.behind, &work.ticket) {
                (Behind::Live(_), Some(_)) if work.renewal != Renewal::None && work.committed => {
                    return Err(SessionError::TooLate);
                }
                (Behind::Live(live), Some(ticket)) if work.renewal != Renewal::None => {
                    (engine.rotate(&work, live, ticket, data, now).await?, Outcome::Renewed)
                }
                (Behind::Live(live), Some(ticket)) if data != live.data || work.new_label(live).is_some() => {
                    (engine.update(&work, live, ticket, data, now).await?, Outcome::Saved)
                }
                (Behind::Live(live), Some(ticket)) => {
                    let due = touch && engine.touch_due(ticket, live);
                    let landed = if due { engine.touch(live, ticket, now).await } else { None };
                    let outcome = if landed.is_some() { Outcome::Touched } else { Outcome::Unchanged };
                    self.land(&work, landed);
                    return Ok(outcome);
                }
                (Behind::Gone, _) if !matches!(work.renewal, Renewal::SignIn { .. }) => return Ok(self.lose(&work)),
                _ if data.is_empty() && !matches!(work.renewal, Renewal::SignIn { .. }) => {
                    self.land(&work, None);
                    return Ok(Outcome::Unchanged);
                }
                _ if work.committed => return Err(SessionError::TooLate),
                _ => (Some(engine.create(&work, data, now).await?), Outcome::Created),
            };
            if landed.is_some() {
                self.land(&work, landed);
                if matches!(work.renewal, Renewal::SignIn { .. }) {
                    self.end_others().await;
                }
                return Ok(outcome);
            }
            // The row has another generation, or is gone: see how it is now and try again.
            let (Some(ticket), Keeping::Rows { store, .. }) = (&work.ticket, &engine.keeping) else { continue };
            if queue.is_none() {
                queue = Some(engine.contention.queue(ticket.row_id()).await);
            } else {
                tokio::time::sleep(jitter(attempt)).await;
            }
            let behind = match engine.load(store.as_ref(), ticket).await? {
                Loaded::Live(live) => Behind::Live(live),
                Loaded::Ended(_) | Loaded::Nothing => Behind::Gone,
            };
            let mut state = self.state();
            state.behind = behind;
            state.outdate();
        }
        Err(SessionError::Contended { attempts: MAX_ATTEMPTS })
    }

    fn work(&self) -> Work {
        let state = self.state();
        Work {
            base: state.base(self.tickets()).clone(),
            behind: state.behind.clone(),
            changes: state.changes.clone(),
            renewal: state.renewal.clone(),
            label: state.label.clone(),
            destroy: state.destroy,
            committed: state.committed,
            epoch: state.epoch,
            ticket: self.ticket(&state).cloned(),
        }
    }

    /// Records what landed.
    fn land(&self, work: &Work, landed: Option<Landed>) {
        let mut state = self.state();
        work.settle(&mut state);
        if let Some(landed) = landed {
            state.behind = Behind::Live(landed.live);
            if landed.ticket.is_some() {
                state.replaced = landed.ticket;
            }
            if landed.cookie.is_some() {
                state.cookie = landed.cookie;
                state.cookie_at = self.0.engine.now();
            }
        }
    }

    /// The session ended while the request ran: its changes end here.
    fn lose(&self, work: &Work) -> Outcome {
        let id = work.ticket.as_ref().map(|ticket| ticket.row_id().to_string());
        tracing::warn!(
            row_id = id,
            changes = ?work.changes,
            "session was ended or renewed by another request; this one's changes are dropped"
        );
        let mut state = self.state();
        work.settle(&mut state);
        // A cookie that an earlier save put by is as dead as its session; a removal still removes.
        if !state.ended {
            state.cookie = None;
        }
        Outcome::Gone
    }

    /// Ends the session, and whatever else the request has a cookie for, and removes the cookie.
    async fn end(&self, ticket: Option<&Ticket>) -> Result<Outcome, SessionError> {
        let engine = &self.0.engine;
        if let Keeping::Rows { store, .. } = &engine.keeping {
            let ids: Vec<RowId> = ticket.map(Ticket::row_id).into_iter().chain(self.others()).collect();
            if !ids.is_empty() {
                store.end_many(&ids, engine.now()).await?;
            }
        }
        let mut state = self.state();
        state.forget_changes();
        state.destroy = false;
        state.behind = Behind::Gone;
        state.ended = true;
        if self.cookie_presented() || ticket.is_some() {
            state.cookie = Some(engine.cookie.removal());
            Ok(Outcome::Destroyed)
        } else {
            Ok(Outcome::Unchanged)
        }
    }
}

impl Session {
    /// The rows of the request's other tickets.
    fn others(&self) -> Vec<RowId> {
        let chosen = self.state().chosen;
        self.tickets().iter().enumerate().filter(|(index, _)| *index != chosen).map(|(_, t)| t.row_id()).collect()
    }

    /// Ends the sessions of the request's other tickets after a sign-in: somebody may have planted them.
    async fn end_others(&self) {
        let engine = &self.0.engine;
        let Keeping::Rows { store, .. } = &engine.keeping else { return };
        let others = self.others();
        if others.is_empty() {
            return;
        }
        if let Err(error) = store.end_many(&others, engine.now()).await {
            tracing::warn!(row_ids = ?others, %error, "other presented sessions not ended at sign-in");
        }
    }

    /// Drops a cookie that an early `save` put by where it is not the newest any more: the session was ended or renewed since, or
    /// another request has sent newer claims. Asked only where a second has gone by, and of a failing store nothing.
    pub(crate) async fn check_cookie(&self) {
        let engine = &self.0.engine;
        let Keeping::Rows { store, .. } = &engine.keeping else { return };
        let (id, generation, is_new) = {
            let state = self.state();
            let old = state.cookie.is_some() && !state.ended && engine.now().seconds_since(state.cookie_at) >= 1;
            match (&state.behind, self.ticket(&state)) {
                (Behind::Live(live), Some(ticket)) if old => {
                    let id = ticket.row_id();
                    (id, live.generation, self.tickets().get(state.chosen).is_none_or(|ticket| ticket.row_id() != id))
                }
                _ => return,
            }
        };
        let newest = match store.load(id).await {
            // The browser has no other cookie for what this request has made.
            Ok(Some(Found::Session(row))) => is_new || row.generation == generation,
            Ok(_) => false,
            Err(_) => true,
        };
        if !newest {
            tracing::debug!(row_id = %id, "session cookie not sent: another request has changed or ended the session since");
            self.state().cookie = None;
        }
    }
}

impl Engine {
    /// Makes a new session.
    async fn create(&self, work: &Work, data: Data, now: Timestamp) -> Result<Landed, SessionError> {
        let ticket = self.issue(work, &data, now)?;
        let (landed, row) = self.prepare(ticket, work.label.clone(), data, now)?;
        if let (Some(row), Keeping::Rows { store, .. }) = (row, &self.keeping) {
            let id = row.id;
            if let Err(error) = store.insert(row).await {
                landed_after_all(store.as_ref(), id, error, |_| true).await?;
            }
        }
        Ok(landed)
    }

    /// Replaces a live session by one with a new secret. Nothing where its row has changed.
    async fn rotate(
        &self,
        work: &Work,
        live: &Live,
        old: &Ticket,
        data: Data,
        now: Timestamp,
    ) -> Result<Option<Landed>, SessionError> {
        let ticket = match &work.renewal {
            Renewal::SignIn { .. } => self.issue(work, &data, now)?,
            _ => old.renewed(secret()?, now, self.touched(old, now).expires_at, self.claims(&data)),
        };
        // What one user called the device is not the next one's.
        let same_subject = ticket.subject() == old.subject() || old.subject().is_none();
        let label = work.label.clone().or_else(|| live.label.clone().filter(|_| same_subject));
        let (landed, row) = self.prepare(ticket, label, data, now)?;
        if let (Some(row), Keeping::Rows { store, .. }) = (row, &self.keeping) {
            let id = row.id;
            match store.rotate(old.row_id(), live.generation, row).await {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => landed_after_all(store.as_ref(), id, error, |_| true).await?,
            }
        }
        Ok(Some(landed))
    }

    /// Saves changed data. Nothing where the row has changed.
    async fn update(
        &self,
        work: &Work,
        live: &Live,
        ticket: &Ticket,
        data: Data,
        now: Timestamp,
    ) -> Result<Option<Landed>, SessionError> {
        self.check_size(&data)?;
        let claims = self.claims(&data);
        let touch = self.touch_due(ticket, live).then(|| self.touched(ticket, now));
        let expires_at = touch.map_or(live.expires_at, |touch| touch.expires_at);
        let generation = live.generation.saturating_add(1);
        let reissued = (touch.is_some() || claims != *ticket.claims())
            .then(|| self.at_generation(ticket.reissued(now, expires_at, claims), generation));
        let cookie = reissued.as_ref().map(|ticket| self.set_cookie(ticket, now)).transpose()?;
        if let Keeping::Rows { store, protection, .. } = &self.keeping {
            let sealed = self.keyring.write_row(
                ticket.secret(),
                &ticket.row_context(generation),
                &data,
                *protection,
                nonce()?,
            )?;
            let update = Update {
                id: ticket.row_id(),
                generation: live.generation,
                now,
                data: &sealed,
                label: work.label.as_deref(),
                touch,
            };
            match store.update(update).await {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => {
                    let ours = |row: &Row| row.generation == generation && row.data == sealed;
                    landed_after_all(store.as_ref(), update.id, error, ours).await?;
                }
            }
        }
        let live = Live {
            generation,
            label: work.label.clone().or_else(|| live.label.clone()),
            seen_at: touch.map_or(live.seen_at, |touch| touch.seen_at),
            expires_at,
            data,
        };
        Ok(Some(Landed { ticket: reissued, live, cookie }))
    }

    /// Moves the idle expiry and issues the cookie again. Nothing where another request did so, or where it fails: that is
    /// logged and fails nothing else.
    async fn touch(&self, live: &Live, ticket: &Ticket, now: Timestamp) -> Option<Landed> {
        let touch = self.touched(ticket, now);
        let moved = match &self.keeping {
            Keeping::Rows { store, .. } => store.touch(ticket.row_id(), live.generation, touch).await,
            Keeping::Stateless => Ok(true),
        };
        match moved {
            Ok(true) => {}
            // A cookie only where the row took the touch: it may have been saved or renewed meanwhile, and then the browser has a
            // newer one.
            Ok(false) => return None,
            Err(error) => {
                tracing::warn!(row_id = %ticket.row_id(), %error, "session not touched");
                return None;
            }
        }
        let live = Live { seen_at: touch.seen_at, expires_at: touch.expires_at, ..live.clone() };
        let reissued = ticket.reissued(now, touch.expires_at, self.claims(&live.data));
        let reissued = self.at_generation(reissued, live.generation);
        match self.set_cookie(&reissued, now) {
            Ok(cookie) => Some(Landed { ticket: Some(reissued), live, cookie: Some(cookie) }),
            // More claims than when it was issued: the browser keeps its cookie, which is good up to the same deadline.
            Err(error) => {
                tracing::warn!(row_id = %ticket.row_id(), %error, "session cookie not issued again");
                Some(Landed { ticket: None, live, cookie: None })
            }
        }
    }

    /// A ticket for a new lifetime, signed in where the request did so.
    fn issue(&self, work: &Work, data: &Data, now: Timestamp) -> Result<Ticket, SessionError> {
        let (subject, terms) = match &work.renewal {
            Renewal::SignIn { subject, terms } => (Some(subject.as_str()), *terms),
            _ => (None, self.default_terms()),
        };
        Ok(Ticket::issue(secret()?, now, terms, subject, self.claims(data))?)
    }

    /// All that a new row and its cookie need, with every bound checked, before anything is written.
    fn prepare(
        &self,
        ticket: Ticket,
        label: Option<String>,
        data: Data,
        now: Timestamp,
    ) -> Result<(Landed, Option<Row>), SessionError> {
        self.check_size(&data)?;
        let generation = 1;
        let ticket = self.at_generation(ticket, generation);
        let cookie = self.set_cookie(&ticket, now)?;
        let touch = self.touched(&ticket, now);
        let row = match &self.keeping {
            Keeping::Stateless => None,
            Keeping::Rows { protection, .. } => {
                let context = ticket.row_context(generation);
                Some(Row {
                    id: context.row_id,
                    generation,
                    subject: ticket.subject().map(String::from),
                    label: label.clone(),
                    created_at: ticket.created_at(),
                    lifetime_s: ticket.lifetime_s(),
                    seen_at: touch.seen_at,
                    expires_at: touch.expires_at,
                    data: self.keyring.write_row(ticket.secret(), &context, &data, *protection, nonce()?)?,
                })
            }
        };
        let live = Live { generation, label, seen_at: touch.seen_at, expires_at: touch.expires_at, data };
        Ok((Landed { ticket: Some(ticket), live, cookie: Some(cookie) }, row))
    }

    /// A ticket for a row of this generation; without a store there is none.
    fn at_generation(&self, ticket: Ticket, generation: u64) -> Ticket {
        match self.keeping {
            Keeping::Rows { .. } => ticket.at_generation(generation),
            Keeping::Stateless => ticket,
        }
    }

    fn touched(&self, ticket: &Ticket, now: Timestamp) -> Touch {
        let deadline = self.timeouts.deadline(ticket.created_at(), ticket.lifetime_s());
        let expires_at = self.timeouts.expires_at(now, ticket.idle_s(), deadline);
        Touch { seen_at: now.plus_seconds(0), expires_at }
    }

    pub(crate) fn touch_due(&self, ticket: &Ticket, live: &Live) -> bool {
        self.timeouts.touch_due(self.now(), live.seen_at, ticket.idle_s())
    }

    fn claims(&self, data: &Data) -> Data {
        match &self.keeping {
            Keeping::Rows { claims, .. } => data.only(claims.iter().map(String::as_str)),
            Keeping::Stateless => data.clone(),
        }
    }

    pub(crate) fn check_size(&self, data: &Data) -> Result<(), SessionError> {
        let (bytes, max) = (data.encoded_len(), self.max_data_bytes);
        if bytes > max { Err(SessionError::DataTooLarge { bytes, max }) } else { Ok(()) }
    }

    fn set_cookie(&self, ticket: &Ticket, now: Timestamp) -> Result<HeaderValue, SessionError> {
        let value = self.keyring.write_ticket(ticket, self.cookie.cookie_name(), self.cookie_protection, nonce()?)?;
        let end = match self.keeping {
            // The row's idle expiry is the truth: the browser keeps the cookie for as long as the row might live.
            Keeping::Rows { .. } => self.timeouts.deadline(ticket.created_at(), ticket.lifetime_s()),
            Keeping::Stateless => ticket.expires_at(),
        };
        self.cookie.set(&value, ticket.is_persistent().then(|| end.seconds_since(now)))
    }
}

/// The answer to a statement that did its work can be lost: a rotation taken for failed would sign the user out, an increment tried
/// again would count twice. `ours` tells whether the row that is there now is what was to be written.
pub(crate) async fn landed_after_all(
    store: &dyn Store,
    id: RowId,
    error: StoreError,
    ours: impl FnOnce(&Row) -> bool,
) -> Result<(), SessionError> {
    if matches!(error, StoreError::Backend(_) | StoreError::Unknown(_))
        && matches!(store.load(id).await, Ok(Some(Found::Session(row))) if ours(&row))
    {
        tracing::warn!(row_id = %id, %error, "session saved, though the store's answer was lost");
        return Ok(());
    }
    Err(error.into())
}

fn secret() -> Result<Secret, SessionError> {
    Secret::random().map_err(|_| SessionError::Random)
}

fn nonce() -> Result<Nonce, SessionError> {
    Nonce::random().map_err(|_| SessionError::Random)
}

/// A random wait that grows with the attempts, at most 64 ms: processes that collide come apart.
fn jitter(attempt: u32) -> Duration {
    let random = RandomState::new().hash_one(attempt);
    Duration::from_micros(random % (1000 << attempt.min(6)))
}
