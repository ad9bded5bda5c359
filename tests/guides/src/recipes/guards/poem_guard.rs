//! The check of where a request comes from, around all routes in Poem.

use crate::recipes::csrf::is_forged;

// --- on the page ---
use std::sync::Arc;

use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response, Result, Route, http::StatusCode};

pub async fn same_origin_only<E: Endpoint>(next: Arc<E>, request: Request) -> Result<Response> {
    if is_forged(request.method(), request.uri(), request.headers()) {
        return Ok(StatusCode::FORBIDDEN.into_response());
    }
    next.call(request).await.map(IntoResponse::into_response)
}

pub fn app(routes: Route) -> impl Endpoint {
    routes.around(same_origin_only)
}
