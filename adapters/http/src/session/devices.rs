//! The subject's sessions: list them, end one, end the others.

use waxseal_core::RowId;

use crate::{
    Found, Page, Session, SessionError, SessionInfo, Wanted, Which,
    engine::{Keeping, PAGE},
    queue::Turn,
    session::Renewal,
};

impl Session {
    /// The live sessions of this session's subject, the most recently seen first: at most 100. This session is marked.
    ///
    /// If a sign-in or renewal is pending, this method and the ones below save it first, because it changes the session's id.
    pub async fn list(&self) -> Result<Vec<SessionInfo>, SessionError> {
        self.list_page(Page::first(PAGE)).await
    }

    /// The next 100 of the subject's sessions after `last`.
    pub async fn list_after(&self, last: &SessionInfo) -> Result<Vec<SessionInfo>, SessionError> {
        self.list_page(Page { limit: PAGE, after: Some((last.times.last_seen_at, last.id)) }).await
    }

    async fn list_page(&self, page: Page) -> Result<Vec<SessionInfo>, SessionError> {
        let listed = async {
            let (subject, id) = self.identity().await?;
            let store = self.0.engine.store("listing sessions")?;
            // One at a time, so that a session whose requests pile up does not keep others from the database.
            let _turn = self.own_turn(id).await?;
            let rows = self.wait(store.list_by_subject(&subject, self.0.engine.now(), page)).await??;
            Ok(self.0.engine.listed(rows, id))
        };
        self.told("list", listed.await)
    }

    /// Ends one session of this session's subject, at once. `false` if the subject has no such session. With this session's own
    /// id it is a [`sign_out`](Self::sign_out).
    pub async fn revoke(&self, id: RowId) -> Result<bool, SessionError> {
        let revoked = async {
            let (subject, own) = self.identity().await?;
            if own == Some(id) {
                self.sign_out();
                return Ok(true);
            }
            let (turn, engine) = (self.own_turn(own).await?, self.0.engine.clone());
            self.run_to_the_end("revoke", async move {
                let _turn = turn;
                engine.end_one(&subject, id).await
            })
            .await
        };
        self.told("revoke", revoked.await)
    }

    /// "Log out my other devices": ends the subject's other sessions, at once, and returns how many. A sign-in of the subject
    /// that is under way at that time is refused.
    ///
    /// A later sign-in of the same request is refused too, and the present session goes on. If a handler does both, it signs in
    /// first.
    pub async fn revoke_others(&self) -> Result<u64, SessionError> {
        let revoked = async {
            let (subject, own) = self.identity().await?;
            let which = own.map_or(Which::All, Which::AllBut);
            let (turn, engine) = (self.own_turn(own).await?, self.0.engine.clone());
            self.run_to_the_end("revoke others", async move {
                let _turn = turn;
                engine.end_subject(&subject, which).await
            })
            .await
        };
        self.told("revoke others", revoked.await)
    }

    /// This session's turn, if it has a row.
    async fn own_turn(&self, id: Option<RowId>) -> Result<Option<Turn>, SessionError> {
        match id {
            Some(id) => self.turn_of(id).await.map(Some),
            None => Ok(None),
        }
    }

    /// The subject and, if the session has a row, its id.
    async fn identity(&self) -> Result<(String, Option<RowId>), SessionError> {
        if self.state().renewal != Renewal::None && !self.save().await?.is_kept() {
            return Err(SessionError::NotSignedIn);
        }
        let subject = self.subject().await?.ok_or(SessionError::NotSignedIn)?;
        let id = self.id().await?;
        // Checked as it is now: a session that was ended or renewed in between must not end others.
        if let (Some(id), Keeping::Rows { store, .. }) = (id, &self.0.engine.keeping)
            && self.wait(store.load(Wanted::newest(id))).await??.and_then(Found::session).is_none()
        {
            return Err(SessionError::NotSignedIn);
        }
        Ok((subject, id))
    }
}
