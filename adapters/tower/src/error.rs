//! A session's error as axum answers it.

use axum_core::response::{IntoResponse, Response};

/// A [`waxseal_http::SessionError`] that a handler can return: 503 where the store fails, 401 where nobody is signed in, else
/// 500. Clients see no detail.
#[derive(Debug)]
pub struct SessionError(pub waxseal_http::SessionError);

impl From<waxseal_http::SessionError> for SessionError {
    fn from(error: waxseal_http::SessionError) -> Self {
        Self(error)
    }
}

impl std::fmt::Display for SessionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl IntoResponse for SessionError {
    fn into_response(self) -> Response {
        (self.0.status(), self.0.public_message()).into_response()
    }
}
