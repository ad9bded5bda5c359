//! A sign-in during which all sessions of its user are ended: its password may be the old one.

use std::sync::Arc;

use crate::{
    Session, SessionError, Store,
    engine::Keeping,
    session::{
        Behind, Renewal,
        save::{Landed, Recorded, Work},
        settle,
        statement::Statement,
    },
    subjects,
    wait::Pauses,
};

impl Session {
    /// Undoes a sign-in if all sessions of its subject were ended since its request began.
    pub(super) async fn check_sign_in(
        &self,
        store: &Arc<dyn Store>,
        landed: &Landed,
        recorded: &Recorded,
    ) -> Result<(), SessionError> {
        let (Renewal::SignIn { subject, .. }, Some(ticket)) = (&recorded.renewal, &landed.ticket) else {
            return Ok(());
        };
        let mut pauses = Pauses::within(self.0.engine.max_wait);
        // The session is there, and the one before it has ended: a failure here would leave the user without a cookie.
        let overtaken = loop {
            match subjects::ended_since(store.as_ref(), subject, self.opened_at()).await {
                Ok(overtaken) => break overtaken,
                Err(error) if !pauses.next().await => return Err(error.into()),
                Err(_) => {}
            }
        };
        if !overtaken {
            return Ok(());
        }
        let undo = Statement::End { ids: vec![ticket.row_id()], now: self.0.engine.now() };
        if let Err(error) = undo.run(store).await {
            settle::end_again(store, &undo, error, self.0.engine.max_wait).await?;
        }
        undo.wake(&self.0.engine.watchers);
        tracing::warn!(row_id = %ticket.row_id(), "sign-in refused: all sessions of its user were ended while it was under way");
        let mut state = self.state();
        state.unsettled.clear();
        recorded.settle(&mut state);
        state.behind = Behind::Gone;
        Err(SessionError::SignInOvertaken)
    }

    /// Refuses a sign-in if all sessions of its subject were ended since its request began, before it replaces the present
    /// session. If they are ended later, it is undone ([`check_sign_in`](Self::check_sign_in)).
    pub(super) async fn refuse_sign_in(&self, work: &Work) -> Result<(), SessionError> {
        let (Renewal::SignIn { subject, .. }, Keeping::Rows { store, .. }) = (&work.renewal, &self.0.engine.keeping)
        else {
            return Ok(());
        };
        if !self.wait(subjects::ended_since(store.as_ref(), subject, self.opened_at())).await?? {
            return Ok(());
        }
        tracing::warn!("sign-in refused: all sessions of its user were ended while it was under way");
        work.recorded().settle(&mut self.state());
        Err(SessionError::SignInOvertaken)
    }
}
