//! How axum answers a session's error.

use axum_core::response::{IntoResponse, Response};
use waxseal_http::Failed;

waxseal_http::framework_error!();

impl IntoResponse for SessionError {
    fn into_response(self) -> Response {
        let mut response = (self.0.status(), self.0.public_message()).into_response();
        // For the layer, which knows whether the application has a page of its own.
        response.extensions_mut().insert(Failed::new(self.0));
        response
    }
}
