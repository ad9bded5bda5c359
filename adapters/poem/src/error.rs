//! A session's error as Poem answers it.

use poem::{Response, error::ResponseError, http::StatusCode};

waxseal_http::framework_error!();

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
