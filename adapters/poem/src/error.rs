//! How Poem answers a session's error.

use poem::{Response, error::ResponseError, http::StatusCode};

waxseal_http::framework_error!();

impl ResponseError for SessionError {
    fn status(&self) -> StatusCode {
        self.0.status()
    }

    fn as_response(&self) -> Response {
        plain(&self.0)
    }
}

/// The response for this error if the application has no page of its own.
pub(crate) fn plain(error: &waxseal_http::SessionError) -> Response {
    Response::builder().status(error.status()).content_type("text/plain; charset=utf-8").body(error.public_message())
}
