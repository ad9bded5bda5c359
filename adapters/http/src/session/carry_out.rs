//! Carrying out: a statement runs to its end, and its result is recorded, even if the request is cancelled meanwhile.

use std::future::Future;

use crate::{
    Session, SessionError,
    engine::Keeping,
    session::{
        Behind,
        save::{Hold, Landed, Recorded},
        statement::{Ran, Statement},
    },
    wait,
};

impl Session {
    /// Runs a statement to its end and records its result. Returns what is held if the request still waits.
    pub(super) async fn execute(
        &self,
        hold: Hold,
        statement: Statement,
        landing: Option<(Landed, Recorded)>,
    ) -> Result<(Hold, Result<bool, SessionError>), SessionError> {
        let permit = self.wait(self.0.engine.in_flight.clone().acquire_owned()).await?;
        let (session, request) = (self.clone(), self.clone());
        let statement = async move {
            let written = session.carry_out(&statement, landing, &hold).await;
            drop(permit);
            (hold, written)
        };
        self.wait(wait::to_the_end(statement, move |(_, written)| drop(request.told("save", written)))).await?
    }

    /// Runs what changes more than one row to its end, even if the request is cancelled. Its error is then logged.
    pub(super) async fn run_to_the_end<T: Send + 'static>(
        &self,
        tried: &'static str,
        statements: impl Future<Output = Result<T, SessionError>> + Send + 'static,
    ) -> Result<T, SessionError> {
        let request = self.clone();
        self.wait(wait::to_the_end(statements, move |done| drop(request.told(tried, done)))).await??
    }

    async fn carry_out(
        &self,
        statement: &Statement,
        landing: Option<(Landed, Recorded)>,
        hold: &Hold,
    ) -> Result<bool, SessionError> {
        if let Keeping::Rows { store, .. } = &self.0.engine.keeping {
            match statement.run(store).await {
                Ok(Ran::Written) => {}
                Ok(Ran::Conflict) => return Ok(false),
                Ok(Ran::Refused { max }) => return Err(SessionError::TooManySessions { max }),
                Err(error) => Box::pin(self.settle(store, statement, &landing, error)).await?,
            }
            if let (Some(turn), Some((landed, _)), Statement::Update { .. }) = (&hold.turn, &landing, statement) {
                turn.wrote(&landed.live);
            }
            statement.wake(&self.0.engine.watchers);
            if let Some((landed, recorded)) = &landing
                && recorded.renewal.is_sign_in()
                && let Err(error) = Box::pin(self.check_sign_in(store, landed, recorded)).await
            {
                if let (true, Some(trace)) = (error.status().is_server_error(), statement.trace()) {
                    self.keep_unsettled(trace, landed, recorded);
                }
                return Err(error);
            }
            if let Some((landed, _)) = &landing {
                self.end_strays(store, landed).await;
            }
        }
        if let Some((landed, recorded)) = landing {
            let signed_in = recorded.renewal.is_sign_in();
            self.land(landed, &recorded);
            if signed_in {
                Box::pin(self.end_others()).await;
            }
        }
        Ok(true)
    }

    /// Records the result of a statement that took effect.
    pub(super) fn land(&self, landed: Landed, recorded: &Recorded) {
        let now = self.0.engine.now();
        let mut state = self.state();
        recorded.settle(&mut state);
        // After a touch, which leaves the generation as it is, an earlier statement may still take effect.
        let is_touch = matches!(&state.behind, Behind::Live(live) if live.id == landed.live.id && live.generation == landed.live.generation);
        if !is_touch {
            state.unsettled.clear();
        }
        state.behind = Behind::Live(landed.live);
        if landed.ticket.is_some() {
            state.replaced = landed.ticket;
        }
        if landed.cookie.is_some() {
            state.cookie = landed.cookie;
            state.cookie_at = now;
        }
    }
}
