//! Loading: what is behind the presented tickets.

use std::sync::Arc;

use waxseal_core::{OpenError, RowContext, RowError, Ticket, Timestamp};

use crate::{
    Found, OlderRows, Session, SessionError, Store, StoreError,
    engine::{Engine, Keeping},
    session::{Behind, Live},
};

/// A request that began less than this after its session's end was probably sent before the browser knew of it, in seconds.
const GRACE_S: u64 = 10;

/// What is behind a ticket.
pub(crate) enum Loaded {
    Live(Live),
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

    /// Loads what is behind the presented tickets: the first live session. The caller holds `busy`.
    pub(crate) async fn load_while_busy(&self) -> Result<(), SessionError> {
        let (mut behind, mut chosen, mut failed) = (Behind::Nothing, 0, None);
        for (index, loaded) in self.load_tickets().await?.into_iter().enumerate() {
            match loaded {
                Ok(Loaded::Live(live)) => {
                    (behind, chosen, failed) = (Behind::Live(live), index, None);
                    break;
                }
                Ok(Loaded::Ended(at)) if !self.0.opened_at.has_reached(at.plus_seconds(GRACE_S)) => {
                    behind = Behind::Gone;
                }
                Ok(Loaded::Ended(_) | Loaded::Nothing) => {}
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        let mut state = self.state();
        state.behind = behind;
        state.chosen = chosen;
        state.outdate();
        Ok(())
    }

    /// What is behind each ticket, in their order: one statement.
    async fn load_tickets(&self) -> Result<Vec<Result<Loaded, SessionError>>, SessionError> {
        let (engine, tickets) = (&self.0.engine, self.tickets());
        let Keeping::Rows { store, .. } = &engine.keeping else {
            return Ok(tickets.iter().map(|ticket| Ok(engine.in_ticket(ticket))).collect());
        };
        match tickets.len() {
            0 => Ok(Vec::new()),
            1 => {
                let Some(ticket) = tickets.get(0) else { return Ok(Vec::new()) };
                Ok(vec![Ok(self.load_ticket(store, ticket).await?)])
            }
            _ => {
                let ids: Vec<_> = tickets.iter().map(Ticket::row_id).collect();
                let found = match self.wait(store.load_many(&ids)).await? {
                    Ok(found) => found,
                    // One damaged row must not hide the others.
                    Err(StoreError::Damaged(_)) => {
                        let mut loaded = Vec::with_capacity(ids.len());
                        for ticket in tickets.iter() {
                            loaded.push(self.load_ticket(store, ticket).await);
                        }
                        return Ok(loaded);
                    }
                    Err(error) => return Err(error.into()),
                };
                Ok(tickets.iter().zip(found).map(|(ticket, found)| engine.decide(ticket, found)).collect())
            }
        }
    }

    /// What is behind one ticket now.
    pub(crate) async fn load_ticket(&self, store: &Arc<dyn Store>, ticket: &Ticket) -> Result<Loaded, SessionError> {
        match self.wait(store.load(ticket.row_id())).await? {
            Ok(found) => self.0.engine.decide(ticket, found),
            // It will not mend itself: an error would lock users out for as long as they keep the cookie.
            Err(StoreError::Damaged(why)) => {
                tracing::error!(row_id = %ticket.row_id(), why, "session row refused: it is damaged");
                Ok(Loaded::Nothing)
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Engine {
    /// A stateless session: the ticket is all there is.
    fn in_ticket(&self, ticket: &Ticket) -> Loaded {
        Loaded::Live(Live {
            generation: 0,
            label: None,
            seen_at: ticket.issued_at(),
            expires_at: self.timeouts.bounded_expiry(ticket.issued_at(), ticket.expires_at()),
            data: ticket.claims().clone(),
        })
    }

    /// What the store's answer means for a ticket. What does not open is no session (and an error in the log), never an empty
    /// live one; what another node's key would open is an error.
    fn decide(&self, ticket: &Ticket, found: Option<Found>) -> Result<Loaded, SessionError> {
        let id = ticket.row_id();
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
            let policy = self.older_rows;
            tracing::error!(row_id = %id, generation, expected, ?policy, "session row is older than its cookie");
            if policy == OlderRows::Refuse {
                return Ok(Loaded::Nothing);
            }
        }
        row.expires_at = self.expires_at(&row);
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
