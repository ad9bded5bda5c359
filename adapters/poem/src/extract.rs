//! The arguments that handlers can take: the session, views of it, and guards for who is signed in.

use poem::{FromRequest, Request, RequestBody, Result};
use waxseal_http::{CookieName, TypedData};

use crate::SessionError;

waxseal_http::framework_session!(SessionError);

impl<'a> FromRequest<'a> for Session {
    async fn from_request(req: &'a Request, _: &mut RequestBody) -> Result<Self> {
        Ok(Self::installed(req.extensions().get())?)
    }
}

impl<'a, T: TypedData> FromRequest<'a> for Typed<T> {
    async fn from_request(req: &'a Request, _: &mut RequestBody) -> Result<Self> {
        Ok(Session::installed(req.extensions().get())?.typed())
    }
}

impl<'a> FromRequest<'a> for SignedIn {
    async fn from_request(req: &'a Request, _: &mut RequestBody) -> Result<Self> {
        Ok(Self::required(Self::installed(req.extensions().get()).await?)?)
    }
}

impl<'a> FromRequest<'a> for MaybeSignedIn {
    async fn from_request(req: &'a Request, _: &mut RequestBody) -> Result<Self> {
        Ok(Self(SignedIn::installed(req.extensions().get()).await?))
    }
}

impl<'a, N: CookieName> FromRequest<'a> for Named<N> {
    async fn from_request(req: &'a Request, _: &mut RequestBody) -> Result<Self> {
        Ok(Self::installed(req.extensions().get())?)
    }
}

impl<'a> FromRequest<'a> for SubjectSessions {
    async fn from_request(req: &'a Request, _: &mut RequestBody) -> Result<Self> {
        Ok(Self::installed(req.extensions().get())?)
    }
}

impl Session {
    /// The session whose cookie has this name. For middlewares; handlers take [`Named`].
    pub fn named(req: &Request, cookie: &str) -> Result<Self> {
        Ok(Self::installed_as(req.extensions().get(), cookie)?)
    }
}
