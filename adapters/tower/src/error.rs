//! A session's error as axum answers it.

use axum_core::response::{IntoResponse, Response};

waxseal_http::framework_error!();

impl IntoResponse for SessionError {
    fn into_response(self) -> Response {
        (self.0.status(), self.0.public_message()).into_response()
    }
}
