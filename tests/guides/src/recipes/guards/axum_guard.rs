//! The check of where a request comes from, around all routes in axum.

use crate::recipes::csrf::is_forged;

// --- on the page ---
use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};

pub async fn same_origin_only(request: Request, next: Next) -> Response {
    if is_forged(request.method(), request.uri(), request.headers()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(request).await
}

pub fn app(routes: Router) -> Router {
    routes.layer(middleware::from_fn(same_origin_only))
}
