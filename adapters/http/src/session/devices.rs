//! The subject's sessions: list them, end one, end the others.

use tokio::sync::OwnedSemaphorePermit;
use waxseal_core::RowId;

use crate::{
    Found, Page, Session, SessionError, SessionInfo, Wanted, Which, engine::PAGE, queue::Turn, session::Renewal,
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
            let own = self.identity("listing sessions").await?;
            let store = self.0.engine.store("listing sessions")?;
            let rows = self.wait(store.list_by_subject(&own.subject, self.0.engine.now(), page)).await??;
            Ok(self.0.engine.listed(rows, Some(own.id)))
        };
        self.told("list", listed.await)
    }

    /// Ends one session of this session's subject, at once. `false` if the subject has no such session. With this session's own
    /// id it is a [`sign_out`](Self::sign_out).
    pub async fn revoke(&self, id: RowId) -> Result<bool, SessionError> {
        let revoked = async {
            let own = self.identity("ending a session").await?;
            if own.id == id {
                self.sign_out();
                return Ok(true);
            }
            let engine = self.0.engine.clone();
            self.run_to_the_end("revoke", async move {
                let ended = engine.end_one(&own.subject, id).await;
                drop(own);
                ended
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
            let own = self.identity("ending sessions").await?;
            let engine = self.0.engine.clone();
            self.run_to_the_end("revoke others", async move {
                let ended = engine.end_subject(&own.subject, Which::AllBut(own.id)).await;
                drop(own);
                ended
            })
            .await
        };
        self.told("revoke others", revoked.await)
    }

    /// Whose sessions they are. One request of a session at a time goes on from here, so that a session whose requests pile up does
    /// not keep others from the database.
    async fn identity(&self, asked: &'static str) -> Result<Identity, SessionError> {
        if self.state().renewal != Renewal::None && !self.save().await?.is_kept() {
            return Err(SessionError::NotSignedIn);
        }
        let subject = self.subject().await?.ok_or(SessionError::NotSignedIn)?;
        let store = self.0.engine.store(asked)?;
        let id = self.id().await?.ok_or(SessionError::NotSignedIn)?;
        let turn = self.turn_in(&self.0.engine.devices, id).await?;
        let permit = self.wait(self.0.engine.in_flight.clone().acquire_owned()).await?.ok();
        // Checked as it is now, after all waiting: a session that was ended or renewed in between must not end others.
        if self.wait(store.load(Wanted::newest(id))).await??.and_then(Found::session).is_none() {
            return Err(SessionError::NotSignedIn);
        }
        Ok(Identity { subject, id, _turn: turn, _permit: permit })
    }
}

/// A live session, its turn, and a place among the statements under way.
struct Identity {
    subject: String,
    id: RowId,
    _turn: Turn,
    _permit: Option<OwnedSemaphorePermit>,
}
