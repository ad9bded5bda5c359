//! The shop on waxseal.

use poem::{Endpoint, EndpointExt, Route, get, handler, web::Query};
use waxseal::{
    Sessions,
    poem::{MaybeSignedIn, Session, SessionMiddleware, SignedIn},
};

use crate::shop::{self, Buy, CART, PROFILE, Profile, SignIn};

pub fn app(sessions: Sessions) -> impl Endpoint + 'static {
    Route::new()
        .at("/shop/sign-in", get(sign_in))
        .at("/shop/buy", get(buy))
        .at("/shop/page", get(page))
        .at("/shop/sign-out", get(sign_out))
        .with(SessionMiddleware::new(sessions))
}

#[handler]
async fn sign_in(session: Session, Query(SignIn { user }): Query<SignIn>) -> poem::Result<&'static str> {
    // The password was checked.
    session.sign_in(&user.to_string())?;
    session.insert(PROFILE, Profile::of(user))?;
    Ok("welcome")
}

#[handler]
async fn buy(session: Session, Query(Buy { item }): Query<Buy>) -> poem::Result<&'static str> {
    session.update(CART, move |cart: Option<Vec<u32>>| shop::with(item, cart))?;
    Ok("bought")
}

#[handler]
async fn page(MaybeSignedIn(signed_in): MaybeSignedIn) -> poem::Result<String> {
    let Some(SignedIn { subject, session }) = signed_in else { return Ok(shop::NOBODY.into()) };
    Ok(shop::page(Some(subject), session.get(CART).await?, session.get(PROFILE).await?))
}

#[handler]
async fn sign_out(session: Session) -> &'static str {
    session.sign_out();
    "bye"
}
