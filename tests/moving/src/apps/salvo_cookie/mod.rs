//! Salvo with salvo-session's `CookieStore`. The handlers stay as they are: only the hoop is replaced.

pub mod adopt;

use salvo::{
    Depot, Request, Router, Service, handler,
    session::{CookieStore, Session, SessionDepotExt, SessionHandler},
};
use waxseal::{Sessions, salvo::SessionHoop};

use crate::shop::{self, CART, PROFILE, Profile, USER_ID};

pub fn before(secret: &[u8]) -> Service {
    let handler = SessionHandler::builder(CookieStore::new(), secret)
        .cookie_name("shop")
        .cookie_path("/shop")
        .cookie_domain("example.com")
        .save_unchanged(false);
    Service::new(routes().hoop(handler.build().unwrap()))
}

pub fn after(sessions: Sessions) -> Service {
    Service::new(routes().hoop(SessionHoop::new(sessions).with_saysion_session()))
}

fn routes() -> Router {
    Router::with_path("shop")
        .push(Router::with_path("sign-in").get(sign_in))
        .push(Router::with_path("buy").get(buy))
        .push(Router::with_path("page").get(page))
        .push(Router::with_path("sign-out").get(sign_out))
}

#[handler]
fn sign_in(req: &mut Request, depot: &mut Depot) -> &'static str {
    let user: u32 = req.query("user").unwrap();
    let mut session = Session::new();
    session.insert(USER_ID, user).unwrap();
    session.insert(PROFILE, Profile::of(user)).unwrap();
    depot.set_session(session);
    "welcome"
}

/// The cart has a key for each item: an item is set, and the others are left alone.
#[handler]
fn buy(req: &mut Request, depot: &mut Depot) -> &'static str {
    let item: u32 = req.query("item").unwrap();
    depot.session_mut().unwrap().insert(&format!("{CART} {item}"), item).unwrap();
    "bought"
}

#[handler]
fn page(depot: &mut Depot) -> String {
    let session = depot.session().unwrap();
    let cart = (0..100).filter_map(|item| session.get(&format!("{CART} {item}")));
    shop::page(session.get::<u32>(USER_ID), Some(cart.collect()), session.get(PROFILE))
}

#[handler]
fn sign_out(depot: &mut Depot) -> &'static str {
    depot.session_mut().unwrap().destroy();
    "bye"
}
