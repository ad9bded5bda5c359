//! Poem with its encrypted `CookieSession`. The handlers stay as they are: only the middleware is replaced.

pub mod adopt;

use poem::{
    Endpoint, EndpointExt, Route, get, handler,
    session::{CookieConfig, CookieSession, Session},
    web::{Query, cookie::CookieKey},
};
use waxseal::{Sessions, poem::SessionMiddleware};

use crate::shop::{self, Buy, CART, PROFILE, Profile, SignIn, USER_ID};

pub fn before(key: &[u8]) -> impl Endpoint + 'static {
    let config = CookieConfig::private(CookieKey::from(key)).name("shop").path("/shop").domain("example.com");
    routes().with(CookieSession::new(config))
}

pub fn after(sessions: Sessions) -> impl Endpoint + 'static {
    routes().with(SessionMiddleware::new(sessions).with_poem_session())
}

fn routes() -> Route {
    Route::new()
        .at("/shop/sign-in", get(sign_in))
        .at("/shop/buy", get(buy))
        .at("/shop/page", get(page))
        .at("/shop/sign-out", get(sign_out))
}

#[handler]
fn sign_in(session: &Session, Query(SignIn { user }): Query<SignIn>) -> &'static str {
    session.renew();
    session.set(USER_ID, user);
    session.set(PROFILE, Profile::of(user));
    "welcome"
}

/// The cart has a key for each item: an item is set, and the others are left alone.
#[handler]
fn buy(session: &Session, Query(Buy { item }): Query<Buy>) -> &'static str {
    session.set(&format!("{CART} {item}"), item);
    "bought"
}

#[handler]
fn page(session: &Session) -> String {
    let cart = session.entries().into_iter().filter(|(key, _)| key.starts_with(CART));
    let items = cart.filter_map(|(_, item)| u32::try_from(item.as_u64()?).ok());
    shop::page(session.get::<u32>(USER_ID), Some(items.collect()), session.get(PROFILE))
}

#[handler]
fn sign_out(session: &Session) -> &'static str {
    session.purge();
    "bye"
}
