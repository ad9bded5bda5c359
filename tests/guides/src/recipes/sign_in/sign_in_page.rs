//! Sending people to the sign-in page, and back.

// --- on the page ---
use axum::{
    Router,
    http::{Method, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use waxseal::{RequestHead, Sessions, axum::SessionLayer, engine::SessionError};

/// The page for a failure of the session layer. Who is not signed in is sent to the sign-in page.
fn failed(error: &SessionError, request: &RequestHead) -> Response {
    match error.status() {
        StatusCode::UNAUTHORIZED if request.method == Method::GET => {
            // Escaped, so that it is one value of the query.
            let path = request.uri.path().replace('%', "%25").replace('&', "%26").replace('+', "%2B");
            Redirect::to(&format!("/sign-in?next={path}")).into_response()
        }
        StatusCode::UNAUTHORIZED => Redirect::to("/sign-in").into_response(),
        status => (status, error.public_message()).into_response(),
    }
}

pub fn app(routes: Router, sessions: Sessions) -> Router {
    routes.layer(SessionLayer::new(sessions).on_error(failed))
}

/// Where to go after the sign-in: `next` if it is a path of this site, else the first page.
pub fn own_path(next: Option<&str>) -> &str {
    let is_own = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.starts_with("/\\")
            && !path.contains(|c: char| c.is_control())
    };
    next.filter(is_own).unwrap_or("/")
}
