//! The shop on waxseal, with an extractor for the user and a check of permissions.

use axum::{
    Router,
    extract::{FromRef, FromRequestParts, Query, Request},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use http::{StatusCode, request::Parts};
use waxseal::{
    Sessions,
    axum::{MaybeSignedIn, Session, SessionError, SessionLayer, SignedIn},
};

use super::users::{User, Users};
use crate::shop::{self, Buy, CART, PROFILE, Profile, SignIn};

/// The user who is signed in, from your table of users. A request without one is answered 401 before the handler runs.
pub struct CurrentUser(pub User);

impl<S> FromRequestParts<S> for CurrentUser
where
    S: Send + Sync,
    Users: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let signed_in = SignedIn::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        let id = signed_in.subject.parse().map_err(|_| StatusCode::UNAUTHORIZED.into_response())?;
        match Users::from_ref(state).find(id).await {
            Ok(Some(user)) => Ok(Self(user)),
            Ok(None) => Err(StatusCode::UNAUTHORIZED.into_response()),
            Err(_) => Err(StatusCode::SERVICE_UNAVAILABLE.into_response()),
        }
    }
}

/// In the place of `permission_required!(Users, "buy")`.
async fn may_buy(CurrentUser(user): CurrentUser, request: Request, next: Next) -> Response {
    if user.permissions.contains("buy") { next.run(request).await } else { StatusCode::FORBIDDEN.into_response() }
}

/// In the place of `login_required!(Users, login_url = "/shop/sign-in")`: the page for who is not signed in.
fn sign_in_first(error: &waxseal::engine::SessionError, request: &waxseal::RequestHead) -> Response {
    match error.status() {
        StatusCode::UNAUTHORIZED => {
            // Escaped, so that it is one value of the query.
            let path = request.uri.path().replace('%', "%25").replace('&', "%26").replace('+', "%2B");
            Redirect::to(&format!("/shop/sign-in?next={path}")).into_response()
        }
        status => status.into_response(),
    }
}

/// In the place of `session_auth_hash`: a new password ends the user's other sessions.
async fn new_password(SignedIn { session, .. }: SignedIn) -> Result<&'static str, SessionError> {
    // Save the new password's hash here. Then end the other sessions.
    session.revoke_others().await?;
    session.renew();
    Ok("saved")
}

pub fn app(sessions: Sessions, users: Users) -> Router {
    Router::new()
        .route("/shop/buy", get(buy))
        .route_layer(from_fn_with_state(users.clone(), may_buy))
        .route("/shop/sign-in", get(sign_in))
        .route("/shop/page", get(page))
        .route("/shop/sign-out", get(sign_out))
        .route("/shop/new-password", get(new_password))
        .layer(SessionLayer::new(sessions).on_error(sign_in_first))
        .with_state(users)
}

async fn sign_in(session: Session, Query(SignIn { user }): Query<SignIn>) -> Result<&'static str, SessionError> {
    // The password was checked.
    session.sign_in(&user.to_string())?;
    session.insert(PROFILE, Profile::of(user))?;
    Ok("welcome")
}

async fn buy(session: Session, Query(Buy { item }): Query<Buy>) -> Result<&'static str, SessionError> {
    session.update(CART, move |cart: Option<Vec<u32>>| shop::with(item, cart))?;
    Ok("bought")
}

async fn page(MaybeSignedIn(signed_in): MaybeSignedIn) -> Result<String, SessionError> {
    let Some(SignedIn { subject, session }) = signed_in else { return Ok(shop::NOBODY.into()) };
    Ok(shop::page(Some(subject), session.get(CART).await?, session.get(PROFILE).await?))
}

async fn sign_out(session: Session) -> &'static str {
    session.sign_out();
    "bye"
}
