//! A session's error as Poem answers it.

use poem::{Response, error::ResponseError, http::StatusCode};

/// A [`waxseal_http::SessionError`] that `?` turns into a [`poem::Error`]: 503 where the store fails, 401 where nobody is
/// signed in, else 500. Clients see no detail.
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

impl ResponseError for SessionError {
    fn status(&self) -> StatusCode {
        self.0.status()
    }

    fn as_response(&self) -> Response {
        Response::builder()
            .status(self.status())
            .content_type("text/plain; charset=utf-8")
            .body(self.0.public_message())
    }
}
