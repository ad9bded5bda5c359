//! What handlers take: the session, a typed view of it, and a guard for who is signed in.

use poem::{Error, FromRequest, Request, RequestBody, Result, http::StatusCode};
use waxseal_http::TypedData;

use crate::SessionError;

waxseal_http::framework_session!(SessionError);

impl<'a> FromRequest<'a> for Session {
    async fn from_request(req: &'a Request, _: &mut RequestBody) -> Result<Self> {
        match req.extensions().get::<waxseal_http::Session>() {
            Some(session) => Ok(session.clone().into()),
            None => Err(Error::from_string(
                "this route has no session: add `.with(SessionMiddleware::new(sessions))` around it",
                StatusCode::INTERNAL_SERVER_ERROR,
            )),
        }
    }
}

impl<'a, T: TypedData> FromRequest<'a> for Typed<T> {
    async fn from_request(req: &'a Request, body: &mut RequestBody) -> Result<Self> {
        Ok(Session::from_request(req, body).await?.typed())
    }
}

/// A signed-in session, by the database's word: a request without one is answered 401 before the handler runs.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who is signed in.
    pub subject: String,
    /// The session.
    pub session: Session,
}

impl<'a> FromRequest<'a> for SignedIn {
    async fn from_request(req: &'a Request, body: &mut RequestBody) -> Result<Self> {
        let session = Session::from_request(req, body).await?;
        match session.subject().await? {
            Some(subject) => Ok(Self { subject, session }),
            None => Err(SessionError(waxseal_http::SessionError::NotSignedIn).into()),
        }
    }
}
