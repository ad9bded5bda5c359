//! The shop on waxseal.

use axum::{Router, extract::Query, routing::get};
use waxseal::{
    Sessions,
    axum::{Session, SessionError, SessionLayer},
};

use crate::shop::{self, Buy, CART, PROFILE, Profile, SignIn};

pub fn app(sessions: Sessions) -> Router {
    Router::new()
        .route("/shop/sign-in", get(sign_in))
        .route("/shop/buy", get(buy))
        .route("/shop/page", get(page))
        .route("/shop/sign-out", get(sign_out))
        .layer(SessionLayer::new(sessions))
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

async fn page(session: Session) -> Result<String, SessionError> {
    Ok(shop::page(session.subject().await?, session.get(CART).await?, session.get(PROFILE).await?))
}

async fn sign_out(session: Session) -> &'static str {
    session.sign_out();
    "bye"
}
