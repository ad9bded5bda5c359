//! The route of the feed of ended sessions.

use std::time::Duration;

use salvo_core::{Depot, FlowCtrl, Handler, Request, Response, async_trait};
use waxseal_http::Sessions;

/// The route where workers at the edge fetch the feed of ended sessions; see [`Sessions::ended_feed`].
///
/// Mount it outside the session hoop. The document holds no secret and opens nothing, so the route may be public.
///
/// ```
/// # use std::time::Duration;
/// # use salvo::Router;
/// # use waxseal_salvo::{EndedFeed, SessionHoop, Sessions};
/// # fn app(sessions: Sessions, pages: Router) -> Router {
/// Router::new()
///     .push(Router::with_path("ended-sessions").get(EndedFeed::new(sessions.clone(), Duration::from_secs(600))))
///     .push(Router::new().hoop(SessionHoop::new(sessions)).push(pages))
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

#[async_trait]
impl Handler for EndedFeed {
    async fn handle(&self, request: &mut Request, _: &mut Depot, response: &mut Response, _: &mut FlowCtrl) {
        let (parts, body) = self.sessions.ended_feed_response(request.headers(), self.window).await.into_parts();
        response.status_code(parts.status);
        response.headers_mut().extend(parts.headers);
        if !body.is_empty() {
            let _ = response.write_body(body);
        }
    }
}
