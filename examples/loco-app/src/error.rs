//! The error type of the handlers.

use loco_rs::prelude::*;
use waxseal::axum::SessionError;

/// A session's error keeps its own response, for example 401 or 503. Loco turns all others into responses.
pub(crate) struct AppError(Box<Response>);

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl From<SessionError> for AppError {
    fn from(error: SessionError) -> Self {
        Self(Box::new(error.into_response()))
    }
}

macro_rules! by_loco {
    ($($error:ty),*) => {$(
        impl From<$error> for AppError {
            fn from(error: $error) -> Self {
                Self(Box::new(Error::from(error).into_response()))
            }
        }
    )*};
}

by_loco!(Error, ModelError, DbErr);
