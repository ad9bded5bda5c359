//! The shop on Poem's `ServerSession`, with its defaults and a storage of its own.

use poem::{
    Endpoint, EndpointExt, Route, get, handler,
    session::{CookieConfig, ServerSession, Session},
    web::Query,
};

use crate::{
    shop::{self, Buy, CART, PROFILE, Profile, SignIn, USER_ID},
    stores::poem::SqlStorage,
};

pub fn app(storage: SqlStorage) -> impl Endpoint + 'static {
    Route::new()
        .at("/shop/sign-in", get(sign_in))
        .at("/shop/buy", get(buy))
        .at("/shop/page", get(page))
        .with(ServerSession::new(CookieConfig::new(), storage))
}

#[handler]
fn sign_in(session: &Session, Query(SignIn { user }): Query<SignIn>) -> &'static str {
    session.renew();
    session.set(USER_ID, user);
    session.set(PROFILE, Profile::of(user));
    "welcome"
}

#[handler]
fn buy(session: &Session, Query(Buy { item }): Query<Buy>) -> &'static str {
    session.set(CART, shop::with(item, session.get(CART)));
    "bought"
}

#[handler]
fn page(session: &Session) -> String {
    shop::page(session.get::<u32>(USER_ID), session.get(CART), session.get(PROFILE))
}
