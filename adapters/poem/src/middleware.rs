//! The middleware: opens the session before the endpoint and commits it after, also where the endpoint returns `Err`.

use poem::{
    Endpoint, Error, IntoResponse, Middleware, Request, Response, Result,
    http::{HeaderMap, StatusCode},
};
use waxseal_http::Sessions;

use crate::SessionError;

/// Gives every request its session and saves it with the response.
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
        let outer = sessions.joined(req.extensions().get());
        let nested = outer.is_some();
        let session = outer.unwrap_or_else(|| sessions.open(req.headers()));
        req.extensions_mut().insert(session.clone());
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

        // An outer middleware of the same sessions commits, and once.
        if nested && recorded.is_ok() {
            return result.map(IntoResponse::into_response);
        }

        let (mut response, failed) = match result {
            Ok(output) => (output.into_response(), false),
            // The session has nothing to add: the error stays what it was, for the error handlers outside.
            Err(error) if !session.is_used() => return Err(error),
            Err(error) => (error.into_response(), true),
        };
        let status = response.status();
        let committed = match recorded {
            Ok(()) => sessions.commit(&session, status, response.headers_mut()).await,
            Err(error) => {
                // As for a server error: what was recorded is discarded, but a sign-out counts.
                let _ = sessions.commit(&session, StatusCode::INTERNAL_SERVER_ERROR, &mut HeaderMap::new()).await;
                Err(error)
            }
        };
        match committed {
            Ok(_) if failed => Err(Error::from_response(response)),
            Ok(_) => Ok(response),
            Err(error) => {
                let mut response = Error::from(SessionError(error)).into_response();
                sessions.write_headers(&session, response.headers_mut());
                Err(Error::from_response(response))
            }
        }
    }
}
