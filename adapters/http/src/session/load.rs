//! Loading: finds the sessions of the presented tickets.

use std::sync::Arc;

use tracing::Instrument;
use waxseal_core::{OpenError, RowError, RowId, Ticket, Timestamp};

use crate::{
    Found, OlderRows, Session, SessionError, Store, StoreError, Wanted,
    engine::{Engine, Keeping},
    metrics,
    session::{Behind, Live},
    spans,
    tickets::row_context,
};

/// A request that began less than this many seconds after its session's end was probably sent before the browser knew of it.
pub(super) const GRACE_S: u64 = 10;

/// What a ticket leads to.
pub(crate) enum Loaded {
    Live(Live),
    /// Its idle timeout or lifetime passed at this time, by the store's answer.
    Expired(Timestamp),
    /// Ended by a sign-out, a revocation or a renewal at this time.
    Ended(Timestamp),
    Nothing,
}

impl Session {
    /// Loads the row, once.
    pub(crate) async fn load(&self) -> Result<(), SessionError> {
        self.mark_used();
        if !matches!(self.state().behind, Behind::Unread) {
            return Ok(());
        }
        let loaded = async {
            let _busy = self.wait(self.0.busy.lock()).await?;
            if matches!(self.state().behind, Behind::Unread) {
                self.load_while_busy().await?;
            }
            Ok(())
        };
        self.told("load", loaded.await)
    }

    /// Reads the session as the database has it now, for pages that must not be a second old: behind a cache or a replica, other
    /// reads may be as old as its bound. What this request has recorded stays recorded.
    pub async fn refresh(&self) -> Result<(), SessionError> {
        self.mark_used();
        let refreshed = async {
            let _busy = self.wait(self.0.busy.lock()).await?;
            if matches!(self.state().behind, Behind::Unread | Behind::Nothing) {
                self.load_while_busy().await?;
            }
            self.reload().await
        };
        self.told("refresh", refreshed.await)
    }

    /// Loads the sessions of the presented tickets. The caller holds `busy`.
    pub(crate) async fn load_while_busy(&self) -> Result<(), SessionError> {
        let span = spans::load();
        let loaded = self.choose().instrument(span.clone()).await;
        spans::loaded(&span, self, &loaded);
        loaded
    }

    /// Chooses the first live session of those that the request presents.
    async fn choose(&self) -> Result<(), SessionError> {
        self.ready().await?;
        let (mut behind, mut chosen, mut failed) = (Behind::Nothing, 0, None);
        for (index, loaded) in self.load_tickets().await?.into_iter().enumerate() {
            match loaded {
                Ok(Loaded::Live(live)) => {
                    (behind, chosen, failed) = (Behind::Live(live), index, None);
                    break;
                }
                Ok(Loaded::Ended(at)) if !self.opened_at().has_reached(at.plus_seconds(GRACE_S)) => {
                    behind = Behind::Gone;
                }
                Ok(Loaded::Ended(_) | Loaded::Nothing | Loaded::Expired(_)) => {}
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        {
            let mut state = self.state();
            state.behind = behind;
            state.chosen = chosen;
            state.outdate();
        }
        if self.0.engine.adopter.is_some() {
            Box::pin(self.adopt()).await?;
        }
        metrics::request(match &self.state().behind {
            Behind::Live(_) if self.tickets().len() == 0 => "adopted",
            Behind::Live(_) => "live",
            _ if self.tickets().len() > 0 => "ended",
            _ => "new",
        });
        Ok(())
    }

    /// What each ticket leads to, in their order. One statement.
    async fn load_tickets(&self) -> Result<Vec<Result<Loaded, SessionError>>, SessionError> {
        let asked_at = self.0.engine.now();
        let mut all = self.load_as_wanted().await?;
        let Keeping::Rows { store, .. } = &self.0.engine.keeping else { return Ok(all) };
        for (loaded, ticket) in all.iter_mut().zip(self.tickets().iter()) {
            // A touch does not change the generation, and another request may have touched the row while the answer was on its
            // way. So an answer that may be old, or that was requested in time, does not prove that the session has expired.
            let Ok(Loaded::Expired(at)) = loaded else { continue };
            let in_time = !asked_at.has_reached(*at);
            if in_time || store.may_be_behind() {
                *loaded = Box::pin(self.load_ticket(store, ticket, Wanted::newest(ticket.row_id()))).await;
            }
            if let (true, Ok(Loaded::Expired(at))) = (in_time, &loaded) {
                // It ended while this request ran: what the request writes must not start a new session in its place.
                *loaded = Ok(Loaded::Ended(*at));
            }
            if let (Ok(Loaded::Expired(_)), OlderRows::Accept) = (&loaded, self.0.engine.older_rows) {
                *loaded = Box::pin(self.accept_expired(store, ticket)).await;
            }
        }
        Ok(all)
    }

    async fn load_as_wanted(&self) -> Result<Vec<Result<Loaded, SessionError>>, SessionError> {
        let (engine, tickets) = (&self.0.engine, self.tickets());
        let Keeping::Rows { store, .. } = &engine.keeping else {
            return Ok(tickets.iter().map(|ticket| Ok(engine.in_ticket(ticket))).collect());
        };
        match tickets.len() {
            0 => Ok(Vec::new()),
            1 => {
                let Some(ticket) = tickets.get(0) else { return Ok(Vec::new()) };
                Ok(vec![Ok(self.load_ticket(store, ticket, wanted(ticket)).await?)])
            }
            _ => Box::pin(self.load_many(store)).await,
        }
    }

    async fn load_many(&self, store: &Arc<dyn Store>) -> Result<Vec<Result<Loaded, SessionError>>, SessionError> {
        let tickets = self.tickets();
        let all: Vec<Wanted> = tickets.iter().map(wanted).collect();
        let found = match self.wait(store.load_many(&all).instrument(spans::store("load"))).await? {
            Ok(found) => found,
            // One damaged row must not hide the others.
            Err(StoreError::Damaged(_)) => {
                let mut loaded = Vec::with_capacity(all.len());
                for (ticket, wanted) in tickets.iter().zip(all) {
                    loaded.push(self.load_ticket(store, ticket, wanted).await);
                }
                return Ok(loaded);
            }
            Err(error) => return Err(error.into()),
        };
        let all = tickets.iter().zip(all).zip(found);
        Ok(all.map(|((ticket, wanted), found)| self.0.engine.decide(ticket, wanted.id, found)).collect())
    }

    /// What one ticket leads to.
    pub(crate) async fn load_ticket(
        &self,
        store: &Arc<dyn Store>,
        ticket: &Ticket,
        wanted: Wanted,
    ) -> Result<Loaded, SessionError> {
        match self.wait(store.load(wanted).instrument(spans::store("load"))).await? {
            Ok(found) => self.0.engine.decide(ticket, wanted.id, found),
            // A damaged row does not repair itself: an error would lock users out for as long as they keep the cookie.
            Err(StoreError::Damaged(why)) => {
                tracing::error!(row_id = %wanted.id, why, "session row refused: it is damaged");
                Ok(Loaded::Nothing)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The row of a ticket, at least as new as the ticket.
fn wanted(ticket: &Ticket) -> Wanted {
    Wanted::at_least(ticket.row_id(), ticket.generation())
}

impl Engine {
    /// A stateless session: the ticket is all there is.
    fn in_ticket(&self, ticket: &Ticket) -> Loaded {
        Loaded::Live(Live {
            id: ticket.row_id(),
            generation: 0,
            label: None,
            seen_at: ticket.issued_at(),
            expires_at: self.timeouts.bounded_expiry(ticket.issued_at(), ticket.expires_at()),
            data: Arc::new(ticket.claims().clone()),
        })
    }

    /// What the store's answer means for a ticket. A row that does not open is no session (and an error in the log), never an
    /// empty live session. A row that another node's key would open is an error.
    pub(crate) fn decide(&self, ticket: &Ticket, id: RowId, found: Option<Found>) -> Result<Loaded, SessionError> {
        let mut row = match found {
            Some(Found::Session(row)) => row,
            Some(Found::Ended(at)) => {
                tracing::debug!(row_id = %id, "session ended: signed out, revoked or renewed");
                return Ok(Loaded::Ended(at));
            }
            None => {
                tracing::debug!(row_id = %id, "session ended: its row is gone");
                return Ok(Loaded::Nothing);
            }
        };
        let context = row_context(ticket, id, row.generation);
        let same = row.id == id
            && row.created_at == context.created_at
            && row.lifetime_s == context.lifetime_s
            && row.subject.as_deref() == context.subject;
        if !same {
            tracing::error!(row_id = %id, "session row refused: its columns do not match its ticket");
            return Ok(Loaded::Nothing);
        }
        if row.generation < ticket.generation() {
            let (generation, expected) = (row.generation, ticket.generation());
            let policy = self.older_rows;
            tracing::error!(row_id = %id, generation, expected, ?policy, "session row is older than its cookie");
            if policy == OlderRows::Refuse {
                return Ok(Loaded::Nothing);
            }
        }
        row.expires_at = self.expires_at(&row);
        if self.now().has_reached(row.expires_at) {
            tracing::debug!(row_id = %id, "session ended: expired");
            return Ok(Loaded::Expired(row.expires_at));
        }
        match self.keyring.open_row_of_any_generation(ticket.secret(), &context, std::mem::take(&mut row.data)) {
            Ok(data) => Ok(Loaded::Live(Live::new(row, data))),
            Err(RowError::Envelope(OpenError::UnknownKey(key))) => Err(SessionError::UnknownKey(key)),
            Err(reason) => {
                tracing::error!(row_id = %id, %reason, "session row refused");
                Ok(Loaded::Nothing)
            }
        }
    }
}
