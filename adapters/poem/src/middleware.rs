//! The middleware: opens the session before the endpoint and commits it after it, also if the endpoint returns `Err`.

use std::sync::Arc;

use poem::{
    Endpoint, Error, IntoResponse, Middleware, Request, Response, Result,
    http::{HeaderMap, StatusCode, header},
};
use waxseal_http::{Installed, OnError, Outcome, RequestHead, Sessions, add_headers, complete_page};

use crate::{SessionError, error};

/// Gives every request its session and saves it with the response.
///
/// # Errors
///
/// A Poem error has either a type or headers, because the type determines the response. So for an error that a handler returns:
///
/// - After a sign-in, a sign-out, a renewal or a new session there is a cookie that must not be lost. The error becomes a
///   response with the cookie, and `catch_error` outside this middleware does not find its type.
/// - Otherwise the error keeps its type. Then neither `Vary: Cookie` nor the cookie of a touch is sent. This signs nobody out:
///   the database has recorded the activity, and the next touch, one touch interval later, sends the cookie. Only a cookie with
///   `Max-Age`, which browsers keep, ends that much earlier if no other response follows.
/// - An error without a type that can be asked for (a response, a status, a text) gets all headers.
///
/// To have both, put `catch_error` inside this middleware, or add a second `SessionMiddleware` outside `catch_error`. The two
/// work as one: the outer one commits with the final response, and every cookie is sent.
#[derive(Clone, Debug)]
pub struct SessionMiddleware {
    sessions: Sessions,
    on_error: Option<OnError<Response>>,
    #[cfg(feature = "compat")]
    compat: bool,
}

impl SessionMiddleware {
    /// A middleware for these sessions.
    pub fn new(sessions: Sessions) -> Self {
        Self {
            sessions,
            on_error: None,
            #[cfg(feature = "compat")]
            compat: false,
        }
    }

    /// The application's own page for failures of the session layer: 503 if the store fails, 401 from
    /// [`SignedIn`](crate::SignedIn), 500 if the data are too large. It replaces the response of a failed save and every
    /// [`SessionError`] that a handler returns.
    ///
    /// The status stays the error's, unless the page sets one other than 2xx. The session's own headers are added and, unless the
    /// page forbids shared caches, `Cache-Control: no-store`. An error that becomes a page does not reach a `catch_error`
    /// outside.
    ///
    /// ```
    /// # use poem::{IntoResponse, http::StatusCode, web::{Html, Redirect}};
    /// # fn middleware(sessions: waxseal_poem::Sessions) -> waxseal_poem::SessionMiddleware {
    /// waxseal_poem::SessionMiddleware::new(sessions).on_error(|error, _request| match error.status() {
    ///     StatusCode::UNAUTHORIZED => Redirect::see_other("/sign-in").into_response(),
    ///     _ => Html("<h1>Please try again in a minute</h1>").with_header("retry-after", "60").into_response(),
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn on_error<R: IntoResponse>(
        mut self,
        page: impl Fn(&waxseal_http::SessionError, &RequestHead) -> R + Send + Sync + 'static,
    ) -> Self {
        self.on_error = Some(OnError::new(move |error, request| page(error, request).into_response()));
        self
    }

    /// Also fills Poem's own [`poem::session::Session`], so that handlers that take `&poem::session::Session` work unchanged:
    /// `get`, `set`, `remove`, `clear`, `renew`, `purge`. Their changes are recorded as operations on the session, so that two
    /// requests that change different keys both take effect.
    ///
    /// Poem's session is read synchronously, so it is loaded before every handler: each request with a cookie costs a SELECT,
    /// whether the handler reads the session or not. Use this only on the routes that need it.
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
        let page = Page::of(&self.middleware.on_error, &req);
        let (installed, commits) = Installed::enter(&self.middleware.sessions, req.headers(), req.extensions().get());
        let session = installed.session().clone();
        req.extensions_mut().insert(session.clone());
        req.extensions_mut().insert(installed.clone());
        #[cfg(feature = "compat")]
        let poem_session = match self.middleware.compat {
            true => match crate::compat::PoemSession::fill(&session, &mut req).await {
                Ok(poem_session) => Some(poem_session),
                Err(error) => return page.answer(error),
            },
            false => None,
        };
        let result = self.inner.call(req).await;
        #[cfg(feature = "compat")]
        let recorded = poem_session.map_or(Ok(()), |poem_session| poem_session.record(&session));
        #[cfg(not(feature = "compat"))]
        let recorded = Ok(());

        let result = result.map(IntoResponse::into_response);
        // An outer middleware of the same cookie commits, once.
        if !commits && recorded.is_ok() {
            return result;
        }
        let (result, told) = page.take_error(result);
        let status = result.as_ref().map_or_else(Error::status, Response::status);
        let (committed, headers) = match recorded {
            Ok(()) => installed.commit(status, told).await,
            Err(error) => installed.commit(StatusCode::INTERNAL_SERVER_ERROR, Some(Arc::new(error))).await,
        };
        match (result, committed) {
            (Ok(mut response), Ok(_)) => {
                add_headers(&headers, response.headers_mut());
                Ok(response)
            }
            (Err(error), Ok(outcome)) => Err(with_headers(error, outcome, &headers)),
            (result, Err(error)) => {
                let answered = result.unwrap_or_else(Error::into_response);
                let headers = installed.failed_headers(answered.headers(), &headers);
                Err(Error::from_response(page.response(&error, &headers)))
            }
        }
    }
}

/// The page with which the application answers a failure of this request, if it has pages of its own.
struct Page(Option<(OnError<Response>, RequestHead)>);

impl Page {
    fn of(on_error: &Option<OnError<Response>>, req: &Request) -> Self {
        let head = || RequestHead::new(req.method(), req.uri(), req.headers());
        Self(on_error.as_ref().map(|on_error| (on_error.clone(), head())))
    }

    /// Takes the failure out of a handler's result, if a page must report it.
    fn take_error(&self, result: Result<Response>) -> (Result<Response>, Option<Arc<waxseal_http::SessionError>>) {
        match result {
            Err(error) if self.0.is_some() => match error.downcast::<SessionError>() {
                Ok(SessionError(error)) => (Err(Error::from_status(error.status())), Some(Arc::new(error))),
                Err(error) => (Err(error), None),
            },
            result => (result, None),
        }
    }

    /// The response for a failure before the handler.
    #[cfg(feature = "compat")]
    fn answer(&self, error: waxseal_http::SessionError) -> Result<Response> {
        match &self.0 {
            Some(_) => Err(Error::from_response(self.response(&error, &HeaderMap::new()))),
            None => Err(SessionError(error).into()),
        }
    }

    fn response(&self, error: &waxseal_http::SessionError, headers: &HeaderMap) -> Response {
        let Some((on_error, head)) = &self.0 else {
            let mut response = error::plain(error);
            add_headers(headers, response.headers_mut());
            return response;
        };
        let mut response = on_error.page(error, head);
        let mut status = response.status();
        complete_page(error, &mut status, response.headers_mut(), headers);
        response.set_status(status);
        response
    }
}

/// The error with the session's headers. A Poem error has either headers or a type: it keeps its type, for the error handlers
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

/// Whether nobody can ask for the error's type: it is a response, or only a status or text, whose type is private to Poem.
fn is_untyped(error: &Error) -> bool {
    let looks_like = |other: Error| format!("{error:?}") == format!("{other:?}");
    error.is_from_response()
        || looks_like(Error::from_status(error.status()))
        || looks_like(Error::from_string(error.to_string(), error.status()))
}
