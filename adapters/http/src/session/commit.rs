//! Committing: finishes a request's session, and makes the cookie for the response.

use crate::{
    Found, Outcome, Session, SessionError, Wanted,
    engine::Keeping,
    session::{Behind, Renewal},
};

/// How often a response's commit looks for what clones of the handle recorded while it was saving.
const MAX_ROUNDS: u32 = 16;

impl Session {
    /// Finishes the session for this request: saves what was recorded, or discards it if the response does not commit. Includes
    /// what clones of the handle record in the meantime.
    pub(crate) async fn finish(&self, commits: bool, signs_in: bool) -> Result<Outcome, SessionError> {
        // A cancelled call of `save` may still be writing: the response must report what it saves.
        drop(self.wait(self.0.busy.lock()).await?);
        if commits && !signs_in {
            self.drop_sign_in();
        }
        let outcome = self.finish_all(commits).await?;
        self.check_cookie().await;
        self.leave_alias();
        if self.0.engine.adopter.is_some() {
            Box::pin(self.retire_adopted()).await;
        }
        Ok(outcome)
    }

    async fn finish_all(&self, commits: bool) -> Result<Outcome, SessionError> {
        let mut outcome = Outcome::Unchanged;
        for _ in 0..MAX_ROUNDS {
            match self.finish_with(commits, true).await {
                Ok(Outcome::Unchanged) => {}
                Ok(saved) => outcome = saved,
                Err(error) => {
                    self.state().committed = true;
                    return Err(error);
                }
            }
            // Under one lock: a clone's next change is either seen here or refused as too late.
            let mut state = self.state();
            if !state.ending && !state.has_changes() {
                state.committed = true;
                return Ok(outcome);
            }
        }
        tracing::error!(
            "a clone of the session handle keeps changing it; the response goes out without the last changes"
        );
        self.state().committed = true;
        Ok(outcome)
    }

    pub(super) async fn finish_with(&self, commits: bool, touch: bool) -> Result<Outcome, SessionError> {
        {
            let mut state = self.state();
            let mut discarded = Outcome::Unchanged;
            if !commits && state.has_changes() {
                state.forget_changes();
                discarded = Outcome::Discarded;
            }
            if !state.ending {
                let due = match (&state.behind, self.ticket(&state)) {
                    (Behind::Live(live), Some(ticket)) if commits && touch && !state.discarded => {
                        self.0.engine.touch_due(ticket, live)
                    }
                    _ => false,
                };
                if !due && !state.has_changes() && state.unsettled.is_empty() {
                    return Ok(discarded);
                }
            }
        }
        // Boxed, so that requests that only read do not move it.
        Box::pin(self.write(touch)).await
    }

    /// Drops a sign-in whose response is an error.
    fn drop_sign_in(&self) {
        let mut state = self.state();
        if state.renewal.is_sign_in() {
            tracing::warn!("sign-in dropped: its response has a status of 400 or more");
            state.renewal = Renewal::None;
            state.outdate();
        }
    }

    /// Issues the cookie under its present name if it came under a former one.
    fn leave_alias(&self) {
        if !self.tickets_are_aliased() {
            return;
        }
        let now = self.0.engine.now();
        let mut state = self.state();
        let (Behind::Live(live), Some(ticket), None) = (&state.behind, self.ticket(&state), &state.cookie) else {
            return;
        };
        let reissued = self.0.engine.reissue(live.clone(), ticket, now);
        state.cookie = reissued.cookie;
        state.cookie_at = now;
    }

    fn tickets_are_aliased(&self) -> bool {
        self.is_used() && self.tickets().aliased
    }

    /// Drops a cookie that an early `save` stored for the response, if it is no longer the newest: the session has been ended or
    /// renewed since, or another request has sent newer claims. The store is asked only if a second has passed; if it fails, the
    /// cookie stays.
    async fn check_cookie(&self) {
        let engine = &self.0.engine;
        let Keeping::Rows { store, .. } = &engine.keeping else { return };
        let (id, generation, is_new) = {
            let state = self.state();
            let old = state.cookie.is_some() && engine.now().seconds_since(state.cookie_at) >= 1;
            match (&state.behind, self.ticket(&state)) {
                (Behind::Live(live), Some(ticket)) if old => {
                    let id = ticket.row_id();
                    let presented = self.tickets().get(state.chosen);
                    (id, live.generation, presented.is_none_or(|ticket| ticket.row_id() != id))
                }
                _ => return,
            }
        };
        let newest = match self.wait(store.load(Wanted::newest(id))).await {
            // The browser has no other cookie for the session that this request has made.
            Ok(Ok(Some(Found::Session(row)))) => is_new || row.generation == generation,
            Ok(Ok(_)) => false,
            Ok(Err(_)) | Err(_) => true,
        };
        if !newest {
            tracing::debug!(row_id = %id, "session cookie not sent: another request has changed or ended the session since");
            self.state().cookie = None;
        }
    }
}
