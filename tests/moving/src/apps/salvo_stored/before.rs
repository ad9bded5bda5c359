//! The shop on salvo-session with a SQL store.

use salvo::{
    Depot, Request, Router, Service, handler,
    session::{Session, SessionDepotExt, SessionHandler},
};

use crate::{
    shop::{self, CART, PROFILE, Profile, USER_ID},
    stores::saysion::SqlStore,
};

pub fn app(store: SqlStore, secret: &[u8]) -> Service {
    let handler = SessionHandler::builder(store, secret).save_unchanged(false).build().unwrap();
    let router = Router::with_path("shop")
        .push(Router::with_path("sign-in").get(sign_in))
        .push(Router::with_path("buy").get(buy))
        .push(Router::with_path("page").get(page));
    Service::new(router.hoop(handler))
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

#[handler]
fn buy(req: &mut Request, depot: &mut Depot) -> &'static str {
    let item: u32 = req.query("item").unwrap();
    let session = depot.session_mut().unwrap();
    session.insert(CART, shop::with(item, session.get(CART))).unwrap();
    "bought"
}

#[handler]
fn page(depot: &mut Depot) -> String {
    let session = depot.session().unwrap();
    shop::page(session.get::<u32>(USER_ID), session.get(CART), session.get(PROFILE))
}
