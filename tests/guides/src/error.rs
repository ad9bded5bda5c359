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
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Any other error.
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }
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
            // 401, 403 or 503, already in the log; `on_error` of the layer can still put its page in place of this.
            Self::Session(error) => error.into_response(),
            Self::Database(error) => {
                tracing::error!(%error, "the database failed");
                (StatusCode::SERVICE_UNAVAILABLE, "Please try again.").into_response()
            }
            Self::Other(error) => {
                tracing::error!(%error, "a request failed");
                (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong.").into_response()
            }
        }
    }
}
