//! The sessions of an application: opening and committing them, and operations on a subject's sessions from outside a request.

use std::{fmt, future::Future, sync::Arc};

use http::{HeaderMap, StatusCode};
use waxseal_core::{Keyring, RowId, Timeouts};

use crate::{
    Outcome, Page, Session, SessionError, SessionInfo, SessionsBuilder, Store, Which, cookie,
    engine::{Engine, PAGE},
    headers, metrics,
    told::Told,
    wait::{self, Patience},
};

/// The sessions of an application: keyring, store and options. Cheap to clone.
#[derive(Clone)]
pub struct Sessions(pub(crate) Arc<Engine>);

impl Sessions {
    /// Configures sessions whose data are kept in `store`.
    pub fn builder(keyring: Keyring, store: impl Store) -> SessionsBuilder {
        SessionsBuilder::new(keyring, Some(Arc::new(store)))
    }

    /// Configures sessions without a store: the data are kept in the sealed cookie, about 3,800 bytes at most.
    ///
    /// Everything that needs a row is missing. A session cannot be ended from elsewhere: rules R5 and R6 do not apply, and
    /// `destroy` only removes the cookie, so that a copy of it stays valid until it expires. A renewal does not end the old
    /// cookie (R12). Of two requests at once, the data of the later response win (R7, R8). All other rules hold. Prefer a store.
    pub fn stateless(keyring: Keyring) -> SessionsBuilder {
        SessionsBuilder::new(keyring, None)
    }

    /// The session that a request's headers present, or a new, empty one if they present no valid session. Never fails and never
    /// asks the store. The cookie is opened only when the session is first used.
    pub fn open(&self, headers: &HeaderMap) -> Session {
        Session::new(self.0.clone(), headers)
    }

    /// Saves what the request did to its session and adds the response headers: `Set-Cookie`, `Cache-Control`, `Vary`.
    ///
    /// `status` is the response's status: see [`CommitPolicy`](crate::CommitPolicy). On an error nothing was saved, except what
    /// [`Session::save`] had saved before. The response must then not report success: answer with [`SessionError::status`], and
    /// pass the headers of *that* response to [`write_headers`](Self::write_headers).
    pub async fn commit(
        &self,
        session: &Session,
        status: StatusCode,
        headers: &mut HeaderMap,
    ) -> Result<Outcome, SessionError> {
        if self.commit_unused(session) {
            return Ok(Outcome::Unused);
        }
        let policy = self.0.commit_policy;
        let finished = session.finish(policy.commits(status), policy.signs_in(status)).await;
        metrics::save(&finished);
        let outcome = session.told("commit", finished)?;
        self.write_headers(session, headers);
        Ok(outcome)
    }

    /// Commits a session that was not used, without waiting: there is nothing to save. `false`, and nothing done, if it was used.
    /// For adapters that would have to box the future of [`commit`](Self::commit).
    pub fn commit_unused(&self, session: &Session) -> bool {
        let unused = !session.is_used();
        if unused {
            session.state().committed = true;
        }
        unused
    }

    /// Adds the session's headers to a response without saving: for the response that reports a failed [`commit`](Self::commit).
    pub fn write_headers(&self, session: &Session, headers: &mut HeaderMap) {
        if session.is_used() {
            headers::vary_cookie(headers);
        }
        if let Some(cookie) = session.take_cookie() {
            for alias in session.presented_aliases() {
                headers::set_cookie(headers, self.0.cookie.removal_of(alias));
            }
            headers::set_cookie(headers, cookie);
            for old in session.adopted_cookies().iter().filter_map(cookie::removal_of_old) {
                headers::set_cookie(headers, old);
            }
        }
    }

    /// The live sessions of a subject, the most recently seen first: at most 100.
    pub async fn list(&self, subject: &str) -> Result<Vec<SessionInfo>, SessionError> {
        self.list_page(subject, Page::first(PAGE)).await
    }

    /// The next 100 of a subject's sessions after `last`.
    pub async fn list_after(&self, subject: &str, last: &SessionInfo) -> Result<Vec<SessionInfo>, SessionError> {
        self.list_page(subject, Page { limit: PAGE, after: Some((last.times.last_seen_at, last.id)) }).await
    }

    async fn list_page(&self, subject: &str, page: Page) -> Result<Vec<SessionInfo>, SessionError> {
        let (patience, store) = self.ready("listing sessions").await?;
        let rows = patience.wait(store.list_by_subject(subject, self.0.now(), page)).await??;
        Ok(self.0.listed(rows, None))
    }

    /// Ends one session of a subject. `false` if the subject has no such session.
    pub async fn revoke(&self, subject: &str, id: RowId) -> Result<bool, SessionError> {
        let (engine, subject) = (self.0.clone(), subject.to_owned());
        self.end("revoke", async move { engine.end_one(&subject, id).await }).await
    }

    /// Ends all sessions of a subject but one, and returns how many. A sign-in of the subject that is under way at that time is
    /// refused.
    pub async fn revoke_others(&self, subject: &str, keep: RowId) -> Result<u64, SessionError> {
        let (engine, subject) = (self.0.clone(), subject.to_owned());
        self.end("revoke others", async move { engine.end_subject(&subject, Which::AllBut(keep)).await }).await
    }

    /// Ends all sessions of a subject, and returns how many: after a changed password or a stolen device. A sign-in of the
    /// subject that is under way at that time is refused: its password may be the old one.
    ///
    /// A later sign-in in the same request is refused too, because it cannot be told from the others. A handler that does both
    /// must sign in first and then call [`Session::revoke_others`](crate::Session::revoke_others).
    pub async fn revoke_all(&self, subject: &str) -> Result<u64, SessionError> {
        let (engine, subject) = (self.0.clone(), subject.to_owned());
        self.end("revoke all", async move { engine.end_subject(&subject, Which::All).await }).await
    }

    /// Ends sessions, even if the caller is cancelled meanwhile. An error is then logged.
    async fn end<T: Send + 'static>(
        &self,
        tried: &'static str,
        end: impl Future<Output = Result<T, SessionError>> + Send + 'static,
    ) -> Result<T, SessionError> {
        let (patience, _) = self.ready("ending sessions").await?;
        let untaken = move |ended: Result<T, SessionError>| {
            if let Err(error) = ended {
                Told::default().error(tried, None, &error);
            }
        };
        patience.wait(wait::to_the_end(end, untaken)).await??
    }

    /// The store, once the time is known, and how long to wait for it: as long as a request may.
    async fn ready(&self, asked: &'static str) -> Result<(Patience, &dyn Store), SessionError> {
        let store = self.0.store(asked)?;
        let patience = Patience::new(self.0.max_wait);
        patience.wait(self.0.ready()).await??;
        Ok((patience, store.as_ref()))
    }

    /// The timeouts in force.
    pub fn timeouts(&self) -> &Timeouts {
        &self.0.timeouts
    }

    /// The cookie's name.
    pub fn cookie_name(&self) -> &str {
        self.0.cookie.cookie_name()
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("keyring", &self.0.keyring)
            .field("cookie", &self.0.cookie)
            .field("timeouts", &self.0.timeouts)
            .finish_non_exhaustive()
    }
}
