//! The shop on waxseal.

use salvo::{Request, Router, Service, Writer, handler};
use waxseal::{
    Sessions,
    salvo::{MaybeSignedIn, Session, SessionError, SessionHoop, SignedIn},
};

use crate::shop::{self, CART, PROFILE, Profile};

pub fn app(sessions: Sessions) -> Service {
    let router = Router::with_path("shop")
        .push(Router::with_path("sign-in").get(sign_in))
        .push(Router::with_path("buy").get(buy))
        .push(Router::with_path("page").get(page))
        .push(Router::with_path("sign-out").get(sign_out));
    Service::new(router.hoop(SessionHoop::new(sessions)))
}

#[handler]
async fn sign_in(session: Session, req: &mut Request) -> Result<&'static str, SessionError> {
    let user: u32 = req.query("user").unwrap();
    // The password was checked.
    session.sign_in(&user.to_string())?;
    session.insert(PROFILE, Profile::of(user))?;
    Ok("welcome")
}

#[handler]
async fn buy(session: Session, req: &mut Request) -> Result<&'static str, SessionError> {
    let item: u32 = req.query("item").unwrap();
    session.update(CART, move |cart: Option<Vec<u32>>| shop::with(item, cart))?;
    Ok("bought")
}

#[handler]
async fn page(signed_in: MaybeSignedIn) -> Result<String, SessionError> {
    let Some(SignedIn { subject, session }) = signed_in.0 else { return Ok(shop::NOBODY.into()) };
    Ok(shop::page(Some(subject), session.get(CART).await?, session.get(PROFILE).await?))
}

#[handler]
async fn sign_out(session: Session) -> &'static str {
    session.sign_out();
    "bye"
}
