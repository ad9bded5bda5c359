//! Accepting a row that is older than its cookie ([`OlderRows::Accept`](crate::OlderRows::Accept)), and has expired meanwhile.
//!
//! After a restore, every row has the idle expiry that it had when the backup was made. The cookie has a later one. Such a row is
//! touched, so that the session goes on, with the data that it had.

use std::sync::Arc;

use waxseal_core::Ticket;

use crate::{Found, Session, SessionError, Store, Touch, Wanted, session::load::Loaded};

impl Session {
    /// Gives an expired row the expiry of its cookie, if that is later and has not passed.
    pub(super) async fn accept_expired(&self, store: &Arc<dyn Store>, ticket: &Ticket) -> Result<Loaded, SessionError> {
        let (engine, id) = (&self.0.engine, ticket.row_id());
        let seen_at = ticket.issued_at().whole_seconds();
        let expires_at =
            engine.timeouts.bounded_expiry(seen_at, ticket.expires_at()).min(engine.ticket_deadline(ticket));
        let found = self.wait(store.load(Wanted::newest(id))).await??;
        let Some(Found::Session(row)) = &found else { return engine.decide(ticket, id, found) };
        let (now, generation) = (engine.now(), row.generation);
        let is_live = !now.has_reached(engine.expires_at(row));
        if is_live || row.expires_at > expires_at || now.has_reached(expires_at) {
            return engine.decide(ticket, id, found);
        }
        // A store touches no row that has expired by then. So the first touch is within the row's time, and the second within the
        // cookie's.
        let (touches, store_of_both) = ([row.seen_at.plus_seconds(1), seen_at], store.clone());
        self.run_to_the_end("accept", async move {
            for seen_at in touches {
                store_of_both.touch(id, generation, Touch { seen_at, expires_at }).await?;
            }
            Ok(())
        })
        .await?;
        tracing::warn!(row_id = %id, "session accepted with the expiry of its cookie: its row is older");
        self.load_ticket(store, ticket, Wanted::newest(id)).await
    }
}
