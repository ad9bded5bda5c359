//! The arguments that axum's handlers can take: the session, views of it, and guards for who is signed in.

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::{Extensions, request::Parts};
use waxseal_http::{CookieName, TypedData};

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

    /// `None` if the route is not behind a [`SessionLayer`](crate::SessionLayer).
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
        Self::required(Self::installed(parts.extensions.get()).await?)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for SignedIn {
    type Rejection = SessionError;

    /// `None` if nobody is signed in. An error if the store fails.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, SessionError> {
        Self::installed(parts.extensions.get()).await
    }
}

impl<S: Send + Sync> FromRequestParts<S> for MaybeSignedIn {
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, SessionError> {
        Ok(Self(SignedIn::installed(parts.extensions.get()).await?))
    }
}

impl<S: Send + Sync, N: CookieName> FromRequestParts<S> for Named<N> {
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, SessionError> {
        Self::installed(parts.extensions.get())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SubjectSessions {
    type Rejection = SessionError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, SessionError> {
        Self::installed(parts.extensions.get())
    }
}

impl Session {
    /// The session whose cookie has this name. For middlewares; handlers take [`Named`].
    pub fn named(extensions: &Extensions, cookie: &str) -> Result<Self, SessionError> {
        Self::installed_as(extensions.get(), cookie)
    }
}
