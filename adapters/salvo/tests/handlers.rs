//! What a Salvo application sees: extractors, the depot, errors, and salvo-session's own session over ours or on a store of ours.

#![allow(missing_docs, clippy::unwrap_used)]
#![cfg(all(feature = "compat", feature = "saysion"))]

use salvo::{
    Depot, FlowCtrl, Response, Router, Service, Writer,
    csrf::{CsrfDepotExt, FormFinder, hmac_session_csrf},
    flash::{FlashDepotExt, session_store as flash_in_session},
    handler,
    http::{StatusCode, header},
    session::{Session as Stock, SessionDepotExt as _, SessionHandler},
    test::{ResponseExt, TestClient},
};
use serde::{Deserialize, Serialize};
use waxseal_salvo::{
    CookieName, CookieOptions, HostedSessions, Keyring, MemoryStore, Named, RootKey, SaysionStore, Session,
    SessionDepotExt as _, SessionError, SessionHoop, Sessions, SignedIn, Typed, TypedData,
};

#[derive(Default, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
}

impl TypedData for Cart {
    const KEY: &'static str = "cart";
}

fn sessions() -> Sessions {
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    Sessions::builder(keyring, MemoryStore::new()).build().unwrap()
}

struct Visitor {
    service: Service,
    cookie: Option<String>,
}

impl Visitor {
    fn new(router: Router) -> Self {
        Self { service: Service::new(router), cookie: None }
    }

    async fn send(&mut self, request: salvo::test::RequestBuilder) -> (StatusCode, String) {
        let request = match &self.cookie {
            Some(cookie) => request.add_header(header::COOKIE, cookie, true),
            None => request,
        };
        let mut response: Response = request.send(&self.service).await;
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            self.cookie = cookie.to_str().unwrap().split(';').next().map(String::from);
        }
        (response.status_code.unwrap(), response.take_string().await.unwrap_or_default())
    }

    async fn get(&mut self, path: &str) -> (StatusCode, String) {
        self.send(TestClient::get(format!("http://127.0.0.1{path}"))).await
    }

    async fn post(&mut self, path: &str, body: &str) -> (StatusCode, String) {
        let request = TestClient::post(format!("http://127.0.0.1{path}"));
        self.send(request.raw_form(body.to_owned())).await
    }
}

#[handler]
async fn sign_in(session: Session) -> Result<(), SessionError> {
    session.sign_in("ada")
}

#[handler]
async fn guarded(signed_in: SignedIn) -> String {
    signed_in.subject
}

#[handler]
async fn add(cart: Typed<Cart>) -> Result<String, SessionError> {
    cart.update(|cart| cart.items.push("bread".into()))?;
    Ok(cart.get().await?.items.join(","))
}

#[handler]
async fn by_depot(depot: &mut Depot) -> Result<String, SessionError> {
    Ok(depot.waxseal()?.subject().await?.unwrap_or_default())
}

#[handler]
async fn changes_and_stops(session: Session, res: &mut Response, ctrl: &mut FlowCtrl) -> Result<(), SessionError> {
    session.insert("stopped", true)?;
    res.status_code(StatusCode::CONFLICT);
    ctrl.skip_rest();
    Ok(())
}

#[handler]
async fn large(session: Session) -> Result<&'static str, SessionError> {
    session.insert("large", "x".repeat(100_000))?;
    Ok("all is well")
}

fn routes() -> Router {
    Router::new()
        .push(Router::with_path("sign-in").get(sign_in))
        .push(Router::with_path("guarded").get(guarded))
        .push(Router::with_path("add").get(add))
        .push(Router::with_path("by-depot").get(by_depot))
        .push(Router::with_path("stops").hoop(changes_and_stops).get(guarded))
        .push(Router::with_path("large").get(large))
}

#[tokio::test]
async fn handlers_take_what_they_need() {
    let mut visitor = Visitor::new(routes().hoop(SessionHoop::new(sessions())));
    assert_eq!(visitor.get("/guarded").await, (StatusCode::UNAUTHORIZED, "Please sign in.".into()));
    assert_eq!(visitor.get("/sign-in").await.0, StatusCode::OK);
    assert_eq!(visitor.get("/guarded").await, (StatusCode::OK, "ada".into()));
    assert_eq!(visitor.get("/by-depot").await.1, "ada");
    assert_eq!(visitor.get("/add").await.1, "bread");
    assert_eq!(visitor.get("/add").await.1, "bread,bread");
    assert_eq!(visitor.get("/nowhere").await.0, StatusCode::NOT_FOUND);
    // What cannot be saved does not claim success.
    let (status, body) = visitor.get("/large").await;
    assert_eq!((status, body.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "The session could not be saved."));
    assert_eq!(visitor.get("/add").await.1, "bread,bread,bread");
}

#[handler]
async fn marked(session: Session) -> Result<(), SessionError> {
    session.insert("seen", true)
}

#[tokio::test]
async fn a_hoop_inside_another_of_the_same_sessions_joins_it() {
    let sessions = sessions();
    let inner = routes().hoop(SessionHoop::new(sessions.clone()));
    let mut visitor = Visitor::new(Router::new().hoop(SessionHoop::new(sessions)).hoop(marked).push(inner));
    visitor.get("/sign-in").await;
    assert_eq!(visitor.get("/guarded").await.1, "ada");
}

struct Shop;
struct Admin;

impl CookieName for Shop {
    const COOKIE_NAME: &str = "__Host-shop";
}

impl CookieName for Admin {
    const COOKIE_NAME: &str = "__Host-admin";
}

#[handler]
async fn both(shop: Named<Shop>, admin: Named<Admin>, nearest: Session) -> Result<String, SessionError> {
    shop.sign_in("customer")?;
    admin.sign_in("clerk")?;
    Ok(format!("{:?}", (shop.subject().await?, admin.subject().await?, nearest.subject().await?)))
}

#[tokio::test]
async fn a_handler_can_name_either_of_two_sessions() {
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let named = |name| {
        let cookie = CookieOptions::new().name(name);
        Sessions::builder(keyring.clone(), MemoryStore::new()).cookie(cookie).build().unwrap()
    };
    let inner = Router::with_path("both").hoop(SessionHoop::new(named("__Host-admin"))).get(both);
    let service = Service::new(Router::new().hoop(SessionHoop::new(named("__Host-shop"))).push(inner));
    let mut response = TestClient::get("http://127.0.0.1/both").send(&service).await;
    let cookies = response.headers().get_all(header::SET_COOKIE).iter();
    let names: Vec<_> = cookies.map(|cookie| cookie.to_str().unwrap().split('=').next().unwrap().to_owned()).collect();
    assert_eq!(names, ["__Host-admin", "__Host-shop"]);
    assert_eq!(response.take_string().await.unwrap(), r#"(Some("customer"), Some("clerk"), Some("clerk"))"#);
}

#[tokio::test]
async fn two_of_one_configuration_are_one() {
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let built = || Sessions::builder(keyring.clone(), MemoryStore::new()).build().unwrap();
    let inner = routes().hoop(SessionHoop::new(built()));
    let service = Service::new(Router::new().hoop(SessionHoop::new(built())).hoop(marked).push(inner));
    let response = TestClient::get("http://127.0.0.1/sign-in").send(&service).await;
    assert_eq!(response.headers().get_all(header::SET_COOKIE).iter().count(), 1);
}

#[handler]
async fn says_before(res: &mut Response) {
    res.headers_mut().insert("x-outside", "stays".parse().unwrap());
}

#[tokio::test]
async fn a_failed_commit_keeps_what_hoops_outside_have_said() {
    let router = Router::new().hoop(says_before).push(routes().hoop(SessionHoop::new(sessions())));
    let response = TestClient::get("http://127.0.0.1/large").send(&Service::new(router)).await;
    assert_eq!(response.status_code, Some(StatusCode::INTERNAL_SERVER_ERROR));
    assert_eq!(response.headers()["x-outside"], "stays");
}

#[tokio::test]
async fn a_chain_that_is_stopped_commits_too() {
    let mut visitor = Visitor::new(routes().hoop(SessionHoop::new(sessions())));
    assert_eq!(visitor.get("/stops").await.0, StatusCode::CONFLICT);
    assert!(visitor.cookie.is_some());
}

#[tokio::test]
async fn a_route_without_the_hoop_says_what_to_do() {
    let (status, body) = Visitor::new(routes()).get("/guarded").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(body.contains("put the session middleware around it"), "{body}");
}

mod stock {
    //! Handlers written for salvo-session, unchanged.
    use super::*;

    #[handler]
    pub(super) async fn count(depot: &mut Depot) -> String {
        let session = depot.session_mut().unwrap();
        let n = session.get::<i32>("count").unwrap_or(0) + 1;
        session.insert("count", n).unwrap();
        n.to_string()
    }

    #[handler]
    pub(super) async fn regenerate(depot: &mut Depot) {
        depot.session_mut().unwrap().regenerate();
    }

    #[handler]
    pub(super) async fn forget(depot: &mut Depot) {
        depot.session_mut().unwrap().remove("count");
    }

    #[handler]
    pub(super) async fn destroy(depot: &mut Depot) {
        depot.session_mut().unwrap().destroy();
    }

    /// The documented sign-in: a new session, put into the depot.
    #[handler]
    pub(super) async fn login(depot: &mut Depot) {
        let mut session = Stock::new();
        session.insert("username", "ada").unwrap();
        depot.set_session(session);
    }

    #[handler]
    pub(super) async fn home(depot: &mut Depot) -> String {
        depot.session().and_then(|session| session.get::<String>("username")).unwrap_or_default()
    }
}

fn stock_routes() -> Router {
    Router::new()
        .push(Router::with_path("count").get(stock::count))
        .push(Router::with_path("regenerate").get(stock::regenerate))
        .push(Router::with_path("forget").get(stock::forget))
        .push(Router::with_path("destroy").get(stock::destroy))
        .push(Router::with_path("login").get(stock::login))
        .push(Router::with_path("home").get(stock::home))
}

#[tokio::test]
async fn handlers_of_salvo_session_keep_working() {
    let mut visitor = Visitor::new(stock_routes().hoop(SessionHoop::new(sessions()).with_saysion_session()));
    for n in 1..=3 {
        assert_eq!(visitor.get("/count").await.1, n.to_string());
    }
    let before = visitor.cookie.clone();
    visitor.get("/regenerate").await;
    let renewed = visitor.cookie.clone();
    assert_ne!(renewed, before);
    assert_eq!(visitor.get("/count").await.1, "4", "a renewal keeps the data");
    visitor.cookie = before;
    assert_eq!(visitor.get("/count").await.1, "1", "the old cookie is dead");
    visitor.cookie = renewed;
    visitor.get("/forget").await;
    assert_eq!(visitor.get("/count").await.1, "1");
    visitor.get("/login").await;
    assert_eq!(visitor.get("/home").await.1, "ada");
    let signed_in = visitor.cookie.clone();
    visitor.get("/destroy").await;
    visitor.cookie = signed_in;
    assert_eq!(visitor.get("/home").await.1, "");
}

#[tokio::test]
async fn the_stock_session_handler_runs_on_our_store() {
    let store = SaysionStore::new(HostedSessions::new(sessions()).unwrap());
    // The one line that is another is the store.
    let handler = SessionHandler::builder(store, b"secretabsecretabsecretabsecretabsecretabsecretabsecretabsecretab");
    let mut visitor = Visitor::new(stock_routes().hoop(handler.build().unwrap()));
    for n in 1..=3 {
        assert_eq!(visitor.get("/count").await.1, n.to_string());
    }
    visitor.get("/login").await;
    assert_eq!(visitor.get("/home").await.1, "ada");
    let signed_in = visitor.cookie.clone();
    visitor.get("/destroy").await;
    visitor.cookie = signed_in;
    assert_eq!(visitor.get("/home").await.1, "", "it is not brought back");
}

#[handler]
async fn leave_flash(depot: &mut Depot) {
    depot.outgoing_flash_mut().success("it was saved");
}

#[handler]
async fn read_flash(depot: &mut Depot) -> String {
    depot.incoming_flash().map(|flash| flash.iter().map(|message| message.value.clone()).collect()).unwrap_or_default()
}

#[tokio::test]
async fn salvo_flash_works_over_it() {
    let router = Router::new()
        .hoop(SessionHoop::new(sessions()).with_saysion_session())
        .hoop(flash_in_session().into_handler())
        .push(Router::with_path("leave").get(leave_flash))
        .push(Router::with_path("read").get(read_flash));
    let mut visitor = Visitor::new(router);
    visitor.get("/leave").await;
    assert_eq!(visitor.get("/read").await.1, "it was saved");
    assert_eq!(visitor.get("/read").await.1, "", "once");
}

#[handler]
async fn form(depot: &mut Depot) -> String {
    depot.csrf_token().unwrap().to_owned()
}

#[handler]
async fn submit() -> &'static str {
    "accepted"
}

#[tokio::test]
async fn salvo_csrf_works_over_it() {
    let csrf = hmac_session_csrf(*b"01234567012345670123456701234567", FormFinder::new("csrf_token"));
    let router = Router::new()
        .hoop(SessionHoop::new(sessions()).with_saysion_session())
        .hoop(csrf)
        .push(Router::with_path("form").get(form).post(submit));
    let mut visitor = Visitor::new(router);
    let (_, token) = visitor.get("/form").await;
    assert_eq!(visitor.post("/form", "csrf_token=forged").await.0, StatusCode::FORBIDDEN);
    let (_, token) = match visitor.get("/form").await {
        (status, again) if !again.is_empty() => (status, again),
        (status, _) => (status, token),
    };
    let body = format!("csrf_token={}", token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"));
    assert_eq!(visitor.post("/form", &body).await, (StatusCode::OK, "accepted".into()));
}
