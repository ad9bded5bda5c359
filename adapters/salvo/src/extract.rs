//! What handlers take: the session, a typed view of it, and a guard for who is signed in.

use salvo_core::{
    Depot, Request,
    extract::{Extractible, Metadata},
};
use waxseal_http::TypedData;

use crate::SessionError;

waxseal_http::framework_session!(SessionError);

static METADATA: Metadata = Metadata::new("");

/// The session of a request, for handlers and hoops that have the depot.
pub trait SessionDepotExt {
    /// The session; an error where the route is not behind a [`SessionHoop`](crate::SessionHoop).
    fn waxseal(&self) -> Result<Session, SessionError>;
}

impl SessionDepotExt for Depot {
    fn waxseal(&self) -> Result<Session, SessionError> {
        Session::installed(self.get_typed().ok())
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
        Self::of(depot.waxseal()?).await
    }
}
