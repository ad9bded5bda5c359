//! The route of the feed of ended sessions.

use std::time::Duration;

use poem::{Endpoint, Request, Response, Result};
use waxseal_http::Sessions;

/// The route where workers at the edge fetch the feed of ended sessions; see [`Sessions::ended_feed`].
///
/// Mount it outside the session middleware. The document holds no secret and opens nothing, so the route may be public.
///
/// ```
/// # use std::time::Duration;
/// # use poem::{EndpointExt, Route};
/// # use waxseal_poem::{EndedFeed, SessionMiddleware, Sessions};
/// # fn app(sessions: Sessions, pages: Route) -> impl poem::Endpoint {
/// Route::new()
///     .at("/ended-sessions", EndedFeed::new(sessions.clone(), Duration::from_secs(600)))
///     .nest("/", pages.with(SessionMiddleware::new(sessions)))
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EndedFeed {
    sessions: Sessions,
    window: Duration,
}

impl EndedFeed {
    /// Lists the sessions that ended within `window` before a request. Choose at least 30 seconds more than the `maxAgeSeconds` of
    /// the worker's `Edge`.
    pub fn new(sessions: Sessions, window: Duration) -> Self {
        Self { sessions, window }
    }
}

impl Endpoint for EndedFeed {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let (parts, body) = self.sessions.ended_feed_response(request.headers(), self.window).await.into_parts();
        let mut response = Response::builder().status(parts.status).body(body);
        *response.headers_mut() = parts.headers;
        Ok(response)
    }
}
