//! What a Poem application sees: extractors, errors, and Poem's own session over ours.

#![allow(missing_docs, clippy::unwrap_used)]
#![cfg(feature = "compat")]

use std::time::Duration;

use poem::{
    Endpoint, EndpointExt, Error, IntoResponse, Route,
    endpoint::BoxEndpoint,
    get, handler,
    http::{StatusCode, header},
    test::{TestClient, TestResponse},
    web::Redirect,
};
use serde::{Deserialize, Serialize};
use waxseal_poem::{
    CookieName, CookieOptions, Keyring, MemoryStore, Named, RootKey, Session, SessionMiddleware, Sessions, SignedIn,
    Typed, TypedData,
    waxseal_http::testing::{self, TestClock},
};

#[derive(Default, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
}

impl TypedData for Cart {
    const KEY: &'static str = "cart";
}

#[handler]
fn sign_in(session: Session) -> poem::Result<Redirect> {
    session.sign_in("ada")?;
    Ok(Redirect::see_other("/"))
}

#[handler]
fn guarded(SignedIn { subject, .. }: SignedIn) -> String {
    subject
}

#[handler]
async fn add(cart: Typed<Cart>) -> poem::Result<String> {
    cart.update(|cart| cart.items.push("bread".into()))?;
    Ok(cart.get().await?.items.join(","))
}

#[handler]
fn redirect_by_error(session: Session) -> poem::Result<()> {
    session.insert("seen", true)?;
    Err(Error::from_response(Redirect::see_other("/elsewhere").into_response()))
}

#[derive(Debug, thiserror::Error)]
#[error("mine")]
struct Mine;

#[handler]
fn plain_error() -> poem::Result<()> {
    Err(Error::new(Mine, StatusCode::IM_A_TEAPOT))
}

mod stock {
    //! Handlers written for Poem's own session, unchanged.
    use poem::{handler, session::Session};

    #[handler]
    pub(crate) fn count(session: &Session) -> String {
        let count = session.get::<i32>("count").unwrap_or(0) + 1;
        session.set("count", count);
        count.to_string()
    }

    #[handler]
    pub(crate) fn renew(session: &Session) {
        session.renew();
        session.set("renewed", true);
    }

    #[handler]
    pub(crate) fn remove(session: &Session) -> String {
        session.remove("count");
        session.get::<i32>("count").is_none().to_string()
    }

    #[handler]
    pub(crate) fn clear(session: &Session) {
        session.clear();
        session.set("only", [1, 2]);
    }

    #[handler]
    pub(crate) fn purge(session: &Session) {
        session.purge();
    }

    #[handler]
    pub(crate) fn show(session: &Session) -> String {
        serde_json::to_string(&session.entries()).unwrap()
    }
}

fn sessions() -> Sessions {
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    Sessions::builder(keyring, MemoryStore::new()).build().unwrap()
}

fn app() -> TestClient<impl Endpoint> {
    let routes = Route::new()
        .at("/sign-in", get(sign_in))
        .at("/guarded", get(guarded))
        .at("/add", get(add))
        .at("/redirect-by-error", get(redirect_by_error))
        .at("/plain-error", get(plain_error))
        .at("/stock/count", get(stock::count))
        .at("/stock/renew", get(stock::renew))
        .at("/stock/remove", get(stock::remove))
        .at("/stock/clear", get(stock::clear))
        .at("/stock/purge", get(stock::purge))
        .at("/stock/show", get(stock::show))
        .with(SessionMiddleware::new(sessions()).with_poem_session());
    TestClient::new(routes)
}

/// Sends a request with the cookie and keeps the one that comes back.
async fn send(client: &TestClient<impl Endpoint>, cookie: &mut String, path: &str) -> TestResponse {
    let response = client.get(path).header(header::COOKIE, cookie.as_str()).send().await;
    if let Some(set) = response.0.header(header::SET_COOKIE) {
        *cookie = set.split(';').next().unwrap().to_owned();
    }
    response
}

async fn text(response: TestResponse) -> String {
    response.0.into_body().into_string().await.unwrap()
}

#[tokio::test]
async fn the_guard_lets_only_the_signed_in_pass() {
    let (client, mut cookie) = (app(), String::new());
    send(&client, &mut cookie, "/guarded").await.assert_status(StatusCode::UNAUTHORIZED);
    send(&client, &mut cookie, "/sign-in").await.assert_status(StatusCode::SEE_OTHER);
    assert_eq!(text(send(&client, &mut cookie, "/guarded").await).await, "ada");
}

#[tokio::test]
async fn typed_data_are_one_struct_under_one_key() {
    let (client, mut cookie) = (app(), String::new());
    assert_eq!(text(send(&client, &mut cookie, "/add").await).await, "bread");
    assert_eq!(text(send(&client, &mut cookie, "/add").await).await, "bread,bread");
    assert_eq!(text(send(&client, &mut cookie, "/stock/show").await).await, r#"{"cart":{"items":["bread","bread"]}}"#);
}

#[tokio::test]
async fn a_redirect_by_an_error_saves_too() {
    let (client, mut cookie) = (app(), String::new());
    let response = send(&client, &mut cookie, "/redirect-by-error").await;
    response.assert_status(StatusCode::SEE_OTHER);
    response.assert_header(header::LOCATION, "/elsewhere");
    assert_eq!(text(send(&client, &mut cookie, "/stock/show").await).await, r#"{"seen":true}"#);
}

#[tokio::test]
async fn an_error_that_never_met_the_session_stays_what_it_was() {
    let routes = Route::new().at("/plain-error", get(plain_error)).with(SessionMiddleware::new(sessions()));
    let caught = routes.catch_error(|_: Mine| async { "caught as what it was" });
    assert_eq!(text(TestClient::new(caught).get("/plain-error").send().await).await, "caught as what it was");
}

#[handler]
async fn uses_and_fails(session: Session, req: &poem::Request) -> poem::Result<()> {
    session.get::<bool>("seen").await?;
    if req.uri().query() == Some("write") {
        session.insert("seen", true)?;
    }
    Err(Error::new(Mine, StatusCode::IM_A_TEAPOT))
}

#[tokio::test]
async fn an_error_keeps_its_type_though_the_session_was_used() {
    let sessions = sessions();
    let routes = || Route::new().at("/", get(uses_and_fails)).with(SessionMiddleware::new(sessions.clone()));
    let caught = async |_: Mine| "caught as what it was";
    let client = TestClient::new(routes().catch_error(caught));
    assert_eq!(text(client.get("/").send().await).await, "caught as what it was");
    // A cookie must not be lost: the error is a response then, unless a middleware outside sends it.
    let response = client.get("/?write").send().await;
    response.assert_status(StatusCode::IM_A_TEAPOT);
    assert!(response.0.header(header::SET_COOKIE).is_some());
    let outside = TestClient::new(routes().catch_error(caught).with(SessionMiddleware::new(sessions.clone())));
    let response = outside.get("/?write").send().await;
    assert!(response.0.header(header::SET_COOKIE).is_some());
    assert_eq!(text(response).await, "caught as what it was");
}

#[handler]
async fn reads_and_says(session: Session) -> poem::Result<()> {
    session.get::<bool>("seen").await?;
    Err(Error::from_string("mine", StatusCode::IM_A_TEAPOT))
}

#[tokio::test]
async fn a_touch_goes_out_where_the_errors_type_lets_it() {
    let clock = TestClock::new();
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let sessions = Sessions::builder(keyring, MemoryStore::new()).clock(clock.clone()).build().unwrap();
    let cookie = testing::signed_in(&sessions, "ada").await.unwrap();
    let routes = || {
        let routes = Route::new().at("/typed", get(uses_and_fails)).at("/text", get(reads_and_says));
        routes.with(SessionMiddleware::new(sessions.clone()))
    };
    let caught = async |_: Mine| "caught as what it was";
    let alone = TestClient::new(routes().catch_error(caught).boxed());
    let outer = SessionMiddleware::new(sessions.clone());
    let within = TestClient::new(routes().catch_error(caught).with(outer).boxed());
    let visit = async |client: &TestClient<BoxEndpoint<'static>>, path: &str| {
        clock.advance(Duration::from_secs(10 * 60));
        let response = client.get(path).header(header::COOKIE, cookie.clone()).send().await;
        let touched = response.0.header(header::SET_COOKIE).is_some();
        (touched, text(response).await)
    };
    assert_eq!(visit(&alone, "/typed").await, (false, "caught as what it was".into()));
    assert_eq!(visit(&within, "/typed").await, (true, "caught as what it was".into()));
    assert_eq!(visit(&alone, "/text").await, (true, "mine".into()));
    // Longer than the idle timeout since the sign-in: the touches counted, sent or not.
    assert_eq!(visit(&alone, "/typed").await, (false, "caught as what it was".into()));
    assert_eq!(visit(&alone, "/text").await, (true, "mine".into()));
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
async fn both(shop: Named<Shop>, admin: Named<Admin>, nearest: Session) -> poem::Result<String> {
    shop.sign_in("customer")?;
    admin.sign_in("clerk")?;
    let named = (shop.subject().await?, admin.subject().await?, nearest.subject().await?);
    Ok(format!("{named:?}"))
}

#[tokio::test]
async fn a_handler_can_name_either_of_two_sessions() {
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let named = |name| {
        let cookie = CookieOptions::new().name(name);
        Sessions::builder(keyring.clone(), MemoryStore::new()).cookie(cookie).build().unwrap()
    };
    let app = Route::new()
        .at("/", get(both))
        .with(SessionMiddleware::new(named("__Host-admin")))
        .with(SessionMiddleware::new(named("__Host-shop")));
    let response = TestClient::new(app).get("/").send().await;
    let cookies = response.0.headers().get_all(header::SET_COOKIE);
    let names: Vec<_> = cookies.iter().map(|cookie| cookie.to_str().unwrap().split('=').next().unwrap()).collect();
    assert_eq!(names, ["__Host-admin", "__Host-shop"]);
    assert_eq!(text(response).await, r#"(Some("customer"), Some("clerk"), Some("clerk"))"#);
}

#[tokio::test]
async fn two_of_one_configuration_are_one() {
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let built = || Sessions::builder(keyring.clone(), MemoryStore::new()).build().unwrap();
    let app = Route::new()
        .at("/sign-in", get(sign_in))
        .with(SessionMiddleware::new(built()))
        .before(async |request: poem::Request| {
            Session::named(&request, "__Host-session").unwrap().insert("seen", true).unwrap();
            Ok(request)
        })
        .with(SessionMiddleware::new(built()));
    let response = TestClient::new(app).get("/sign-in").send().await;
    assert_eq!(response.0.headers().get_all(header::SET_COOKIE).iter().count(), 1);
}

#[tokio::test]
async fn a_route_without_the_middleware_says_what_to_do() {
    let response = TestClient::new(Route::new().at("/guarded", get(guarded))).get("/guarded").send().await;
    response.assert_status(StatusCode::INTERNAL_SERVER_ERROR);
    assert!(text(response).await.contains("put the session middleware around it"));
}

#[tokio::test]
async fn handlers_of_poems_own_session_keep_working() {
    let (client, mut cookie) = (app(), String::new());
    assert_eq!(send(&client, &mut cookie, "/stock/show").await.0.header(header::SET_COOKIE), None);
    for count in ["1", "2", "3"] {
        assert_eq!(text(send(&client, &mut cookie, "/stock/count").await).await, count);
    }
    let mut old = cookie.clone();
    send(&client, &mut cookie, "/stock/renew").await.assert_status_is_ok();
    assert_ne!(cookie, old);
    assert_eq!(text(send(&client, &mut old, "/stock/show").await).await, "{}", "the old cookie is dead");
    assert_eq!(text(send(&client, &mut cookie, "/stock/show").await).await, r#"{"count":3,"renewed":true}"#);
    assert_eq!(text(send(&client, &mut cookie, "/stock/remove").await).await, "true");
    assert_eq!(text(send(&client, &mut cookie, "/stock/show").await).await, r#"{"renewed":true}"#);
    send(&client, &mut cookie, "/stock/clear").await.assert_status_is_ok();
    assert_eq!(text(send(&client, &mut cookie, "/stock/show").await).await, r#"{"only":[1,2]}"#);
    let mut before = cookie.clone();
    let purged = send(&client, &mut cookie, "/stock/purge").await;
    assert!(purged.0.header(header::SET_COOKIE).unwrap().contains("Max-Age=0"));
    assert_eq!(text(send(&client, &mut before, "/stock/show").await).await, "{}");
}

#[tokio::test]
async fn a_middleware_inside_another_of_the_same_sessions_joins_it() {
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let sessions = Sessions::builder(keyring, MemoryStore::new()).build().unwrap();
    let app = Route::new()
        .at("/sign-in", get(sign_in))
        .at("/guarded", get(guarded))
        .with(SessionMiddleware::new(sessions.clone()))
        .before(async |request: poem::Request| {
            let session = request.extensions().get::<waxseal_poem::waxseal_http::Session>().unwrap();
            session.insert("seen", true).unwrap();
            Ok(request)
        })
        .with(SessionMiddleware::new(sessions));
    let client = TestClient::new(app);
    let response = client.get("/sign-in").send().await;
    let cookies: Vec<_> = response.0.headers().get_all(header::SET_COOKIE).iter().collect();
    assert_eq!(cookies.len(), 1);
    let cookie = cookies[0].to_str().unwrap().split(';').next().unwrap().to_owned();
    client.get("/guarded").header(header::COOKIE, cookie).send().await.assert_text("ada").await;
}
