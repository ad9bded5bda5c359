//! What handlers take: the session, a typed view of it, and a guard for who is signed in.

use poem::{FromRequest, Request, RequestBody, Result};
use waxseal_http::TypedData;

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
        Ok(Self::of(Session::installed(req.extensions().get())?).await?)
    }
}
