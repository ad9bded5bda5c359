//! Ending: the sessions that a request presents are ended in one statement, and the cookie is removed.

use waxseal_core::{RowId, Ticket};

use crate::{
    Outcome, Session, SessionError,
    engine::Keeping,
    session::{Behind, save::Hold, statement::Statement},
};

impl Session {
    /// Ends the session and every other session for which the request has a cookie, and removes the cookie.
    pub(super) async fn end(&self, mut hold: Hold) -> Result<(Hold, Outcome), SessionError> {
        let engine = &self.0.engine;
        let (mut ids, epoch) = {
            let state = self.state();
            let ids: Vec<RowId> = state.replaced.iter().map(Ticket::row_id).chain(state.unsettled_ids()).collect();
            (ids, state.epoch)
        };
        ids.extend(self.tickets().iter().map(Ticket::row_id));
        let is_there = !ids.is_empty() || self.cookie_presented();
        if let Some(first) = ids.first() {
            // Behind other ends of this session alone: a save that takes long does not delay it. The statement keeps its turn if the
            // request is cancelled.
            if let Keeping::Rows { .. } = &engine.keeping {
                hold.turn = Some(self.turn_in(&engine.ends, *first).await?);
            }
            let statement = Statement::End { ids, now: engine.now() };
            let (held, ended) = self.execute(hold, statement, None).await?;
            ended?;
            hold = held;
            // A session that follows has a row of its own.
            hold.turn = None;
        }
        let mut state = self.state();
        state.unsettled.clear();
        // A clone that signed out in the meantime requests another end.
        state.ending = state.epoch != epoch && state.ending;
        state.behind = Behind::Nothing;
        state.replaced = None;
        state.ended = true;
        state.outdate();
        if !is_there {
            return Ok((hold, Outcome::Unchanged));
        }
        // Another system's cookie beside ours would sign its user in again.
        if state.adopted.is_none() {
            state.adopted = self.old_key();
        }
        state.cookie = Some(engine.cookie.removal());
        Ok((hold, Outcome::Destroyed))
    }

    /// The rows of the request's other tickets.
    fn others(&self) -> Vec<RowId> {
        let state = self.state();
        if state.ended {
            return Vec::new();
        }
        let chosen = state.chosen;
        self.tickets().iter().enumerate().filter(|(index, _)| *index != chosen).map(|(_, t)| t.row_id()).collect()
    }

    /// Ends the sessions of the request's other tickets after a sign-in: somebody may have planted them.
    pub(super) async fn end_others(&self) {
        let Keeping::Rows { store, .. } = &self.0.engine.keeping else { return };
        let others = self.others();
        if others.is_empty() {
            return;
        }
        match store.end_many(&others, self.0.engine.now()).await {
            Ok(()) => others.into_iter().for_each(|id| self.0.engine.watchers.wake(id)),
            Err(error) => tracing::error!(row_ids = ?others, %error, "other presented sessions not ended at sign-in"),
        }
    }
}
