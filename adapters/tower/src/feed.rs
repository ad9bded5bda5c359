//! The route of the feed of ended sessions.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum_core::body::Body;
use http::{Request, Response};
use tower_service::Service;
use waxseal_http::Sessions;

/// The route where workers at the edge fetch the feed of ended sessions; see [`Sessions::ended_feed`].
///
/// Mount it outside the session layer. The document holds no secret and opens nothing, so the route may be public.
///
/// ```
/// # use std::time::Duration;
/// # use axum::Router;
/// # use waxseal_tower::{EndedFeed, SessionLayer, Sessions};
/// # fn app(sessions: Sessions, pages: Router) -> Router {
/// pages
///     .layer(SessionLayer::new(sessions.clone()))
///     .route_service("/ended-sessions", EndedFeed::new(sessions, Duration::from_secs(600)))
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

impl<B: Send + 'static> Service<Request<B>> for EndedFeed {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Self { sessions, window } = self.clone();
        let headers = request.into_parts().0.headers;
        Box::pin(async move { Ok(sessions.ended_feed_response(&headers, window).await.map(Body::from)) })
    }
}
