//! The statements that a save makes, with everything they need, so that they can finish without their request.

use std::sync::Arc;

use tracing::Instrument;
use waxseal_core::{Data, Protection, RowContext, RowId, Ticket, Timestamp};

use crate::{
    Admission, Limit, Row, SessionError, Store, StoreError, Touch, Update,
    engine::{Engine, Keeping},
    session::{
        Live, Renewal,
        save::{Landed, Work},
        settle::Trace,
    },
    spans,
    tickets::row_context,
    watch::Watchers,
};

/// One statement (a rotation is one transaction).
pub(crate) enum Statement {
    /// Stateless sessions need none: the cookie is everything.
    None,
    Insert(Row),
    /// A sign-in of a subject whose sessions are counted.
    Admit {
        old: Option<(RowId, u64)>,
        new: Row,
        limit: Limit,
    },
    Rotate {
        old: RowId,
        generation: u64,
        new: Row,
    },
    Update {
        id: RowId,
        generation: u64,
        now: Timestamp,
        data: Vec<u8>,
        label: Option<String>,
        touch: Option<Touch>,
    },
    Touch {
        id: RowId,
        generation: u64,
        touch: Touch,
    },
    End {
        ids: Vec<RowId>,
        now: Timestamp,
    },
}

/// What a statement did.
pub(crate) enum Ran {
    Written,
    /// The row was not in the state that the statement requires: nothing was written.
    Conflict,
    /// The subject has as many sessions as it may: nothing was written.
    Refused {
        max: u32,
    },
}

impl From<bool> for Ran {
    fn from(written: bool) -> Self {
        if written { Self::Written } else { Self::Conflict }
    }
}

impl Statement {
    pub(crate) async fn run(&self, store: &Arc<dyn Store>) -> Result<Ran, StoreError> {
        self.run_within(store).instrument(spans::store(self.name())).await
    }

    /// Its name in spans: the store's verb.
    const fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Insert(_) => "insert",
            Self::Admit { .. } => "admit",
            Self::Rotate { .. } => "rotate",
            Self::Update { .. } => "update",
            Self::Touch { .. } => "touch",
            Self::End { .. } => "end",
        }
    }

    async fn run_within(&self, store: &Arc<dyn Store>) -> Result<Ran, StoreError> {
        let written = match self {
            Self::None => Ok(true),
            Self::Insert(row) => store.insert(row.clone()).await.map(|()| true),
            Self::Rotate { old, generation, new } => store.rotate(*old, *generation, new.clone()).await,
            Self::Admit { old, new, limit } => {
                return Ok(match store.admit(*old, new.clone(), *limit).await? {
                    Admission::Done => Ran::Written,
                    Admission::Conflict => Ran::Conflict,
                    Admission::Refused => Ran::Refused { max: limit.sessions },
                });
            }
            Self::Update { id, generation, now, data, label, touch } => {
                let update = Update {
                    id: *id,
                    generation: *generation,
                    now: *now,
                    data,
                    label: label.as_deref(),
                    touch: *touch,
                };
                store.update(update).await
            }
            Self::Touch { id, generation, touch } => store.touch(*id, *generation, *touch).await,
            Self::End { ids, now } => store.end_many(ids, *now).await.map(|()| true),
        };
        written.map(Ran::from)
    }

    /// How to find out its effect if its answer is lost. `None` if it may simply be repeated.
    pub(crate) fn trace(&self) -> Option<Trace> {
        match self {
            Self::Insert(row) | Self::Rotate { new: row, .. } | Self::Admit { new: row, .. } => {
                Some(Trace::Row(row.id))
            }
            Self::Update { id, generation, data, .. } => {
                Some(Trace::Update { id: *id, generation: generation.saturating_add(1), data: data.clone() })
            }
            Self::None | Self::Touch { .. } | Self::End { .. } => None,
        }
    }

    /// Wakes those who wait for the end of a session that it may have ended.
    pub(crate) fn wake(&self, watchers: &Watchers) {
        if let Self::Rotate { old, .. } | Self::Admit { old: Some((old, _)), .. } = self {
            watchers.wake(*old);
        }
        // The subject's oldest session may have ended.
        if let Self::Admit { new: Row { subject: Some(subject), .. }, .. } = self {
            watchers.wake_subject(subject);
        }
        if let Self::End { ids, .. } = self {
            ids.iter().for_each(|id| watchers.wake(*id));
        }
    }
}

impl Engine {
    /// Makes a new session.
    pub(crate) fn create(&self, work: &Work, data: Data, now: Timestamp) -> Result<(Statement, Landed), SessionError> {
        let ticket = self.issue(work, &data, now)?;
        let (landed, row) = self.prepare(ticket, work.label.clone(), data, now)?;
        let statement = match (row, self.limit_of(work)) {
            (None, _) => Statement::None,
            (Some(new), None) => Statement::Insert(new),
            (Some(new), Some(limit)) => Statement::Admit { old: None, new, limit },
        };
        Ok((statement, landed))
    }

    /// Replaces a live session by one with a new secret.
    pub(crate) fn rotate(
        &self,
        work: &Work,
        live: &Live,
        old: &Ticket,
        data: Data,
        now: Timestamp,
    ) -> Result<(Statement, Landed), SessionError> {
        let ticket = if work.renewal.is_sign_in() {
            self.issue(work, &data, now)?
        } else {
            old.renewed(self.randomness.secret()?, now, self.touched(old, now).expires_at, self.claims(&data))
        };
        // One user's device name does not pass to the next.
        let same_subject = ticket.subject() == old.subject() || old.subject().is_none();
        let label = work.label.clone().or_else(|| live.label.clone().filter(|_| same_subject));
        let (landed, row) = self.prepare(ticket, label, data, now)?;
        let (old, generation) = (old.row_id(), live.generation);
        let statement = match (row, self.limit_of(work)) {
            (None, _) => Statement::None,
            (Some(new), None) => Statement::Rotate { old, generation, new },
            (Some(new), Some(limit)) => Statement::Admit { old: Some((old, generation)), new, limit },
        };
        Ok((statement, landed))
    }

    /// The bound on the sessions of the subject that signs in.
    fn limit_of(&self, work: &Work) -> Option<Limit> {
        match &work.renewal {
            Renewal::SignIn { subject, .. } => self.limit(subject),
            _ => None,
        }
    }

    /// Saves changed data.
    pub(crate) fn update(
        &self,
        work: &Work,
        live: &Live,
        ticket: &Ticket,
        data: Data,
        now: Timestamp,
    ) -> Result<(Statement, Landed), SessionError> {
        self.check_size(&data)?;
        let claims = self.claims(&data);
        let touch = self.touch_due(ticket, live).then(|| self.touched(ticket, now));
        let expires_at = touch.map_or(live.expires_at, |touch| touch.expires_at);
        let generation = live.generation.saturating_add(1);
        let reissued = (touch.is_some() || claims != *ticket.claims() || self.always_reissues())
            .then(|| self.at_generation(ticket.reissued(now, expires_at, claims), generation));
        let cookie = reissued.as_ref().map(|ticket| self.set_cookie(ticket, now)).transpose()?;
        let statement = match &self.keeping {
            Keeping::Stateless => Statement::None,
            Keeping::Rows { protection, .. } => Statement::Update {
                id: live.id,
                generation: live.generation,
                now,
                data: self.row_data(ticket, row_context(ticket, live.id, generation), &data, *protection)?,
                label: work.label.clone(),
                touch,
            },
        };
        let live = Live {
            id: live.id,
            generation,
            label: work.label.clone().or_else(|| live.label.clone()),
            seen_at: touch.map_or(live.seen_at, |touch| touch.seen_at),
            expires_at,
            data: Arc::new(data),
        };
        Ok((statement, Landed { ticket: reissued, live, cookie }))
    }

    /// Moves the idle expiry and issues the cookie again.
    pub(crate) fn touch(&self, live: &Live, ticket: &Ticket, now: Timestamp) -> (Statement, Landed) {
        let touch = self.touched(ticket, now);
        let statement = match &self.keeping {
            Keeping::Rows { .. } => Statement::Touch { id: live.id, generation: live.generation, touch },
            Keeping::Stateless => Statement::None,
        };
        let live = Live { seen_at: touch.seen_at, expires_at: touch.expires_at, ..live.clone() };
        (statement, self.reissue(live, ticket, now))
    }

    /// The same session with its cookie issued again.
    pub(crate) fn reissue(&self, live: Live, ticket: &Ticket, now: Timestamp) -> Landed {
        let reissued = ticket.reissued(now, live.expires_at, self.claims(&live.data));
        let reissued = self.at_generation(reissued, live.generation);
        match self.set_cookie(&reissued, now) {
            Ok(cookie) => Landed { ticket: Some(reissued), live, cookie: Some(cookie) },
            // The claims have grown since it was issued: the browser keeps its cookie, which is good until the same deadline.
            Err(error) => {
                tracing::warn!(row_id = %ticket.row_id(), %error, "session cookie not issued again");
                Landed { ticket: None, live, cookie: None }
            }
        }
    }

    /// A ticket for a new lifetime, signed in if the request has signed in.
    fn issue(&self, work: &Work, data: &Data, now: Timestamp) -> Result<Ticket, SessionError> {
        let (subject, terms) = match &work.renewal {
            Renewal::SignIn { subject, terms } => (Some(subject.as_str()), *terms),
            _ => (None, self.default_terms()),
        };
        Ok(Ticket::issue(self.randomness.secret()?, now, terms, subject, self.claims(data))?)
    }

    /// Everything that a new row and its cookie need. Every bound is checked before anything is written.
    pub(crate) fn prepare(
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
        let context = ticket.row_context(generation);
        let id = context.row_id;
        let row = match &self.keeping {
            Keeping::Stateless => None,
            Keeping::Rows { protection, .. } => Some(Row {
                id,
                generation,
                subject: ticket.subject().map(String::from),
                label: label.clone(),
                created_at: ticket.created_at(),
                lifetime_s: ticket.lifetime_s(),
                seen_at: touch.seen_at,
                expires_at: touch.expires_at,
                data: self.row_data(&ticket, context, &data, *protection)?,
            }),
        };
        let live =
            Live { id, generation, label, seen_at: touch.seen_at, expires_at: touch.expires_at, data: Arc::new(data) };
        Ok((Landed { ticket: Some(ticket), live, cookie: Some(cookie) }, row))
    }

    /// The data of a row as they are stored.
    fn row_data(
        &self,
        ticket: &Ticket,
        context: RowContext<'_>,
        data: &Data,
        protection: Protection,
    ) -> Result<Vec<u8>, SessionError> {
        Ok(self.keyring.write_row(ticket.secret(), &context, data, protection, self.randomness.nonce()?)?)
    }
}
