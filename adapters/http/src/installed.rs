//! For framework adapters: what a middleware keeps in a request, for extractors and for the middlewares inside it.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{Outcome, Session, SessionError, Sessions, StoreError, headers};

/// The name of a session's cookie, as a type. An adapter's `Named<N>` takes the session of that cookie.
///
/// ```
/// struct Admin;
///
/// impl waxseal_http::CookieName for Admin {
///     const COOKIE_NAME: &str = "__Host-admin";
/// }
/// ```
pub trait CookieName {
    /// The name.
    const COOKIE_NAME: &str;
}

/// The sessions of a request, by the names of their cookies. Middlewares of the same name share a session, even if each was given
/// its own [`Sessions`]: a browser keeps one cookie per name.
#[derive(Clone, Debug)]
pub struct Installed {
    nearest: Arc<Entry>,
    /// Those of other names.
    others: Vec<Arc<Entry>>,
}

#[derive(Debug)]
struct Entry {
    sessions: Sessions,
    session: Session,
    /// An extractor could not tell who is signed in.
    failed: AtomicBool,
    /// The cookie names of the middlewares inside this one, whose cookies stay if this one's commit fails.
    inside: Mutex<Vec<String>>,
}

impl Entry {
    async fn subject(&self) -> Result<Option<String>, SessionError> {
        let subject = self.session.subject().await;
        if subject.as_ref().is_err_and(|error| error.status().is_server_error()) {
            self.failed.store(true, Ordering::Relaxed);
        }
        subject
    }
}

impl Installed {
    /// What a middleware of these sessions puts into a request with these headers. `outer` is what another one around it has put
    /// there. Also returns whether this is the one that commits: the outermost of its name.
    pub fn enter(sessions: &Sessions, headers: &HeaderMap, outer: Option<&Self>) -> (Self, bool) {
        let mut others: Vec<Arc<Entry>> = outer.map(Self::entries).into_iter().flatten().cloned().collect();
        let name = sessions.cookie_name();
        let joined = others.iter().position(|entry| entry.sessions.cookie_name() == name);
        let nearest = match joined {
            Some(index) => others.remove(index),
            None => {
                for entry in &others {
                    entry.inside.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
                }
                Arc::new(Entry {
                    sessions: sessions.clone(),
                    session: sessions.open(headers),
                    failed: AtomicBool::new(false),
                    inside: Mutex::default(),
                })
            }
        };
        (Self { nearest, others }, joined.is_none())
    }

    fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        [&self.nearest].into_iter().chain(&self.others)
    }

    /// The session of the innermost middleware.
    pub fn session(&self) -> &Session {
        &self.nearest.session
    }

    /// The sessions of the innermost middleware.
    pub fn sessions(&self) -> &Sessions {
        &self.nearest.sessions
    }

    /// The session whose cookie has this name.
    pub fn named(&self, cookie: &str) -> Option<&Session> {
        self.entry(cookie).map(|entry| &entry.session)
    }

    fn entry(&self, cookie: &str) -> Option<&Entry> {
        self.entries().find(|entry| entry.sessions.cookie_name() == cookie).map(|entry| &**entry)
    }

    /// Who is signed in, for an extractor whose failure the framework or the handler may take for "nobody is signed in" (see
    /// [`failure`](Self::failure)).
    pub async fn subject(&self) -> Result<Option<String>, SessionError> {
        self.nearest.subject().await
    }

    /// Like [`subject`](Self::subject), for the session whose cookie has this name.
    pub async fn named_subject(&self, cookie: &str) -> Result<Option<String>, SessionError> {
        self.entry(cookie).ok_or(SessionError::NotInstalled)?.subject().await
    }

    /// The error to answer instead of a response with this status: after a failed extractor, only a server error is a correct
    /// answer.
    pub fn failure(&self, status: StatusCode) -> Option<SessionError> {
        let swallowed = self.nearest.failed.load(Ordering::Relaxed) && !status.is_server_error();
        swallowed.then(|| StoreError::backend("it could not tell who is signed in").into())
    }

    /// Commits the innermost session with a response of this status. Returns the session's headers: they go into the response, or
    /// through [`failed_headers`](Self::failed_headers) into the one that reports the error.
    ///
    /// `told` is the failure that the response already reports, if the application has its own page for it; it becomes the error.
    /// So does a failure that the framework or the handler took for "nobody is signed in". The response then commits as a server
    /// error: what was recorded is discarded, but a sign-out takes effect.
    pub async fn commit(
        &self,
        status: StatusCode,
        told: Option<Arc<SessionError>>,
    ) -> (Result<Outcome, Arc<SessionError>>, HeaderMap) {
        let (status, told) = match self.failure(status) {
            Some(error) => (StatusCode::INTERNAL_SERVER_ERROR, Some(Arc::new(error))),
            None => (status, told),
        };
        let mut headers = HeaderMap::new();
        let committed = match self.sessions().commit(self.session(), status, &mut headers).await {
            Ok(outcome) => told.map_or(Ok(outcome), Err),
            Err(error) => Err(Arc::new(error)),
        };
        (committed, headers)
    }

    /// The headers of the response that reports a failure: the session's own, and of the handler's headers only the cookies that
    /// sessions of other names inside this one have already saved.
    pub fn failed_headers(&self, answered: &HeaderMap, session_headers: &HeaderMap) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let inside = self.nearest.inside.lock().unwrap_or_else(PoisonError::into_inner);
        for cookie in answered.get_all(header::SET_COOKIE) {
            if inside.iter().any(|name| is_named(cookie, name)) {
                headers::set_cookie(&mut headers, cookie.clone());
            }
        }
        drop(inside);
        self.sessions().write_headers(self.session(), &mut headers);
        add_headers(session_headers, &mut headers);
        headers
    }
}

fn is_named(cookie: &HeaderValue, name: &str) -> bool {
    cookie.as_bytes().strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"="))
}

/// Adds the headers that a commit has collected to those of a response.
pub fn add_headers(committed: &HeaderMap, headers: &mut HeaderMap) {
    if committed.contains_key(header::VARY) {
        headers::vary_cookie(headers);
    }
    for cookie in committed.get_all(header::SET_COOKIE) {
        headers::set_cookie(headers, cookie.clone());
    }
}
