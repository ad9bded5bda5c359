//! An application's own error type.

// --- on the page ---
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use sea_orm::DbErr;
use waxseal::{StoreError, axum::SessionError, engine};

/// What a handler fails with.
#[derive(Debug)]
pub enum Error {
    Session(SessionError),
    Database(DbErr),
}

impl From<SessionError> for Error {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Session(engine::SessionError::from(error).into())
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            // 401, 403 or 503; `on_error` of the layer can still put its page in place of this.
            Self::Session(error) => error.into_response(),
            Self::Database(_) => (StatusCode::SERVICE_UNAVAILABLE, "Please try again.").into_response(),
        }
    }
}
