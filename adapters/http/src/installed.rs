//! For framework adapters: what a middleware keeps in a request, for extractors and for the middlewares inside it.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{Outcome, Session, SessionError, Sessions, StoreError, headers};

/// The name of a session's cookie, as a type: `Named<N>` of an adapter takes the session of that cookie.
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

/// The sessions of a request, by the names of their cookies. Middlewares of one name share a session, also where each was given
/// [`Sessions`] of its own: a browser keeps one cookie of a name.
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
    /// The cookie names of the middlewares inside, whose cookies stay where this one's commit fails.
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
    /// What a middleware of these sessions puts into a request with these headers, where another one around it has put `outer`;
    /// and whether it is the one that commits: the outermost of its name.
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

    /// The session of the nearest middleware.
    pub fn session(&self) -> &Session {
        &self.nearest.session
    }

    /// The sessions of the nearest middleware.
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

    /// Who is signed in, for an extractor whose failure the framework or the handler may take for "nobody"
    /// ([`failure`](Self::failure)).
    pub async fn subject(&self) -> Result<Option<String>, SessionError> {
        self.nearest.subject().await
    }

    /// As [`subject`](Self::subject), of the session whose cookie has this name.
    pub async fn named_subject(&self, cookie: &str) -> Result<Option<String>, SessionError> {
        self.entry(cookie).ok_or(SessionError::NotInstalled)?.subject().await
    }

    /// The error to answer instead of a response of this status: where an extractor failed, only a server error says so.
    pub fn failure(&self, status: StatusCode) -> Option<SessionError> {
        let swallowed = self.nearest.failed.load(Ordering::Relaxed) && !status.is_server_error();
        swallowed.then(|| StoreError::backend("it could not tell who is signed in").into())
    }

    /// Commits the nearest session with a response of this status. The headers are those of the session; they go to the response,
    /// or through [`failed_headers`](Self::failed_headers) to the one that tells of the error.
    ///
    /// `told` is the failure that the response tells of already, where the application has a page of its own for it. It becomes
    /// the error. So does a failure that the framework or the handler took for "nobody is signed in"; then the response commits as
    /// a server error: what was recorded is discarded, but a sign-out counts.
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

    /// The headers of the response that tells of a failure: the session's, and nothing of the handler's but the cookies that
    /// sessions of other names inside this one have saved already.
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

/// Adds the headers that a commit has written elsewhere to a response's.
pub fn add_headers(committed: &HeaderMap, headers: &mut HeaderMap) {
    if committed.contains_key(header::VARY) {
        headers::vary_cookie(headers);
    }
    for cookie in committed.get_all(header::SET_COOKIE) {
        headers::set_cookie(headers, cookie.clone());
    }
}
