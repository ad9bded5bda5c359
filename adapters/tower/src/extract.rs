//! What axum's handlers take: the session, a typed view of it, and a guard for who is signed in.

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use waxseal_http::TypedData;

use crate::SessionError;

waxseal_http::framework_session!(SessionError);

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, SessionError> {
        Self::installed(parts.extensions.get())
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = SessionError;

    /// `None` where the route is not behind a [`SessionLayer`](crate::SessionLayer).
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, SessionError> {
        Ok(Self::installed(parts.extensions.get()).ok())
    }
}

impl<S: Send + Sync, T: TypedData> FromRequestParts<S> for Typed<T> {
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, SessionError> {
        Ok(Session::installed(parts.extensions.get())?.typed())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, SessionError> {
        Self::of(Session::installed(parts.extensions.get())?).await
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for SignedIn {
    type Rejection = SessionError;

    /// `None` where nobody is signed in; an error where the store cannot tell.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, SessionError> {
        Self::optional(Session::installed(parts.extensions.get())?).await
    }
}
