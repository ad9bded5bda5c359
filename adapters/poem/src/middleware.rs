//! The middleware: opens the session before the endpoint and commits it after, also where the endpoint returns `Err`.

use poem::{
    Endpoint, Error, IntoResponse, Middleware, Request, Response, Result,
    http::{HeaderMap, StatusCode, header},
};
use waxseal_http::{Installed, Outcome, Sessions, add_headers};

use crate::SessionError;

/// Gives every request its session and saves it with the response.
///
/// An error that a handler returns passes with its type, so that `catch_error` outside finds it. Only where the request changed the
/// session so that a cookie must be sent (a sign-in, a sign-out, a new session) is it a response from here on, for Poem's errors
/// have either a type or headers: put `catch_error` inside this middleware to catch those, too.
#[derive(Clone, Debug)]
pub struct SessionMiddleware {
    sessions: Sessions,
    #[cfg(feature = "compat")]
    compat: bool,
}

impl SessionMiddleware {
    /// A middleware over `sessions`.
    pub fn new(sessions: Sessions) -> Self {
        Self {
            sessions,
            #[cfg(feature = "compat")]
            compat: false,
        }
    }

    /// Also fills Poem's own [`poem::session::Session`], so that handlers that take `&poem::session::Session` keep working
    /// unchanged: `get`, `set`, `remove`, `clear`, `renew`, `purge`. What they change is recorded as operations on the session,
    /// so that two requests that change different keys both land.
    ///
    /// Poem's session is read without waiting, so it is loaded before every handler: a request with a cookie costs its SELECT
    /// here whether the handler reads or not. Keep this switch to the routes that need it.
    #[cfg(feature = "compat")]
    #[must_use]
    pub fn with_poem_session(mut self) -> Self {
        self.compat = true;
        self
    }
}

impl<E: Endpoint> Middleware<E> for SessionMiddleware {
    type Output = SessionEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        SessionEndpoint { inner, middleware: self.clone() }
    }
}

/// An endpoint behind [`SessionMiddleware`].
#[derive(Debug)]
pub struct SessionEndpoint<E> {
    inner: E,
    middleware: SessionMiddleware,
}

impl<E: Endpoint> Endpoint for SessionEndpoint<E> {
    type Output = Response;

    async fn call(&self, mut req: Request) -> Result<Response> {
        let sessions = &self.middleware.sessions;
        let (installed, commits) = Installed::enter(sessions, req.headers(), req.extensions().get());
        let session = installed.session().clone();
        req.extensions_mut().insert(session.clone());
        req.extensions_mut().insert(installed.clone());
        #[cfg(feature = "compat")]
        let poem_session = match self.middleware.compat {
            true => Some(crate::compat::PoemSession::fill(&session, &mut req).await?),
            false => None,
        };
        let result = self.inner.call(req).await;
        #[cfg(feature = "compat")]
        let recorded = poem_session.map_or(Ok(()), |poem_session| poem_session.record(&session));
        #[cfg(not(feature = "compat"))]
        let recorded = Ok(());

        // An outer middleware of the same cookie commits, and once.
        if !commits && recorded.is_ok() {
            return result.map(IntoResponse::into_response);
        }

        let result = result.map(IntoResponse::into_response);
        let status = result.as_ref().map_or_else(Error::status, Response::status);
        let mut headers = HeaderMap::new();
        let committed = match recorded.map_or_else(Some, |()| installed.failure(status)) {
            None => sessions.commit(&session, status, &mut headers).await,
            Some(error) => {
                // As for a server error: what was recorded is discarded, but a sign-out counts.
                let discarded = sessions.commit(&session, StatusCode::INTERNAL_SERVER_ERROR, &mut headers).await;
                Err(discarded.err().unwrap_or(error))
            }
        };
        match (result, committed) {
            (Ok(mut response), Ok(_)) => {
                add_headers(&headers, response.headers_mut());
                Ok(response)
            }
            (Err(error), Ok(outcome)) => Err(with_headers(error, outcome, &headers)),
            (result, Err(error)) => {
                let answered = result.unwrap_or_else(Error::into_response);
                let mut response = Error::from(SessionError(error)).into_response();
                response.headers_mut().extend(installed.failed_headers(answered.headers()));
                add_headers(&headers, response.headers_mut());
                Err(Error::from_response(response))
            }
        }
    }
}

/// The error with the session's headers. Poem's errors have headers or a type, not both: the type stays, for the error handlers
/// outside, unless there is a cookie that must not be lost.
fn with_headers(error: Error, outcome: Outcome, headers: &HeaderMap) -> Error {
    let must_be_sent = headers.contains_key(header::SET_COOKIE) && outcome != Outcome::Touched;
    if headers.is_empty() || !(must_be_sent || is_untyped(&error)) {
        return error;
    }
    let mut response = error.into_response();
    add_headers(headers, response.headers_mut());
    Error::from_response(response)
}

/// Whether nobody can ask for the error's type: a response, or a status alone, of which Poem keeps the type to itself.
fn is_untyped(error: &Error) -> bool {
    error.is_from_response() || format!("{error:?}") == format!("{:?}", Error::from_status(error.status()))
}
