//! The arguments that handlers can take: the session, views of it, and guards for who is signed in.

use salvo_core::{
    Depot, Request,
    extract::{Extractible, Metadata},
};
use waxseal_http::{CookieName, TypedData};

use crate::SessionError;

waxseal_http::framework_session!(SessionError);

/// Salvo drops the errors of an optional argument, so it would take a failing store for "nobody is signed in". [`MaybeSignedIn`]
/// does not.
///
/// ```compile_fail,E0277
/// use salvo::prelude::*;
///
/// #[handler]
/// async fn page(signed_in: Option<waxseal_salvo::SignedIn>) {}
/// ```
#[cfg(doctest)]
struct NotOptional;

static METADATA: Metadata = Metadata::new("");

/// The session of a request, for handlers and hoops that have the depot.
pub trait SessionDepotExt {
    /// The session. An error if the route is not behind a [`SessionHoop`](crate::SessionHoop).
    fn waxseal(&self) -> Result<Session, SessionError>;

    /// The session whose cookie has this name. For hoops; handlers take [`Named`].
    fn waxseal_named(&self, cookie: &str) -> Result<Session, SessionError>;
}

impl SessionDepotExt for Depot {
    fn waxseal(&self) -> Result<Session, SessionError> {
        Session::installed(self.get_typed().ok())
    }

    fn waxseal_named(&self, cookie: &str) -> Result<Session, SessionError> {
        Session::installed_as(self.get_typed().ok(), cookie)
    }
}

impl<'ex> Extractible<'ex> for Session {
    fn metadata() -> &'static Metadata {
        &METADATA
    }

    #[allow(refining_impl_trait)]
    async fn extract(_: &'ex mut Request, depot: &'ex mut Depot) -> Result<Self, SessionError> {
        depot.waxseal()
    }
}

impl<'ex, T: TypedData> Extractible<'ex> for Typed<T> {
    fn metadata() -> &'static Metadata {
        &METADATA
    }

    #[allow(refining_impl_trait)]
    async fn extract(_: &'ex mut Request, depot: &'ex mut Depot) -> Result<Self, SessionError> {
        Ok(depot.waxseal()?.typed())
    }
}

impl<'ex> Extractible<'ex> for SignedIn {
    fn metadata() -> &'static Metadata {
        &METADATA
    }

    #[allow(refining_impl_trait)]
    async fn extract(_: &'ex mut Request, depot: &'ex mut Depot) -> Result<Self, SessionError> {
        Self::required(Self::installed(depot.get_typed().ok()).await?)
    }
}

impl<'ex> Extractible<'ex> for MaybeSignedIn {
    fn metadata() -> &'static Metadata {
        &METADATA
    }

    #[allow(refining_impl_trait)]
    async fn extract(_: &'ex mut Request, depot: &'ex mut Depot) -> Result<Self, SessionError> {
        Ok(Self(SignedIn::installed(depot.get_typed().ok()).await?))
    }
}

impl<'ex, N: CookieName> Extractible<'ex> for Named<N> {
    fn metadata() -> &'static Metadata {
        &METADATA
    }

    #[allow(refining_impl_trait)]
    async fn extract(_: &'ex mut Request, depot: &'ex mut Depot) -> Result<Self, SessionError> {
        Self::installed(depot.get_typed().ok())
    }
}

impl<'ex> Extractible<'ex> for SubjectSessions {
    fn metadata() -> &'static Metadata {
        &METADATA
    }

    #[allow(refining_impl_trait)]
    async fn extract(_: &'ex mut Request, depot: &'ex mut Depot) -> Result<Self, SessionError> {
        Self::installed(depot.get_typed().ok())
    }
}
