//! The session cookie in a `poem-openapi` specification, and requests to what it specifies.

#![allow(missing_docs, clippy::unwrap_used)]
#![cfg(feature = "openapi")]

use poem::{EndpointExt, Error, Response, Route, http::StatusCode, test::TestClient};
use poem_openapi::{ApiResponse, OpenApi, OpenApiService, payload::PlainText};
use waxseal_poem::{
    CookieName, CookieOptions, Keyring, MaybeSignedIn, MemoryStore, RootKey, SessionError, SessionMiddleware, Sessions,
    openapi::{DefaultCookie, SessionCookie},
    waxseal_http::testing::{self, TestStore},
};

struct Shop;

impl CookieName for Shop {
    const COOKIE_NAME: &str = "__Host-shop";
}

#[derive(ApiResponse)]
#[oai(bad_request_handler = "bad_request")]
enum Tolerant {
    #[oai(status = 200)]
    Fine(PlainText<String>),
}

/// Takes every failure for the request's fault.
fn bad_request(_: Error) -> Tolerant {
    Tolerant::Fine(PlainText("never mind".into()))
}

struct Api;

#[OpenApi]
impl Api {
    #[oai(path = "/who", method = "get")]
    async fn who(&self, user: SessionCookie<Shop>) -> Result<PlainText<String>, SessionError> {
        user.session.insert("seen", true)?;
        Ok(PlainText(user.subject.clone()))
    }

    #[oai(path = "/perhaps", method = "get")]
    async fn perhaps(&self, MaybeSignedIn(user): MaybeSignedIn) -> PlainText<String> {
        PlainText(user.map_or("nobody".into(), |user| user.subject))
    }

    #[oai(path = "/tolerant", method = "get")]
    async fn tolerant(&self, user: SessionCookie<Shop>) -> Tolerant {
        Tolerant::Fine(PlainText(user.subject.clone()))
    }

    #[oai(path = "/default", method = "get")]
    async fn default(&self, user: SessionCookie) -> PlainText<String> {
        PlainText(user.subject.clone())
    }
}

fn sessions(cookie: CookieOptions) -> Sessions {
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    Sessions::builder(keyring, MemoryStore::new()).cookie(cookie).build().unwrap()
}

#[test]
fn the_specification_names_the_cookie_and_what_may_come() {
    let specification: serde_json::Value =
        serde_json::from_str(&OpenApiService::new(Api, "Shop", "1.0").spec()).unwrap();
    let schemes = &specification["components"]["securitySchemes"];
    let who = &specification["paths"]["/who"]["get"];
    assert_eq!(schemes["__Host-shop"]["type"], "apiKey");
    assert_eq!(
        (&schemes["__Host-shop"]["in"], &schemes["__Host-shop"]["name"]),
        (&"cookie".into(), &"__Host-shop".into())
    );
    assert_eq!(who["security"], serde_json::json!([{ "__Host-shop": [] }]));
    assert!(["200", "401", "503"].iter().all(|status| who["responses"][status].is_object()), "{who}");
    assert_eq!(DefaultCookie::COOKIE_NAME, sessions(CookieOptions::new()).cookie_name());
}

#[tokio::test]
async fn operations_know_who_is_signed_in() {
    let sessions = sessions(CookieOptions::new().name(Shop::COOKIE_NAME));
    let service = OpenApiService::new(Api, "Shop", "1.0");
    let client = TestClient::new(Route::new().nest("/", service).with(SessionMiddleware::new(sessions.clone())));
    client.get("/who").send().await.assert_status(StatusCode::UNAUTHORIZED);
    client.get("/perhaps").send().await.assert_text("nobody").await;
    let cookie = testing::signed_in(&sessions, "ada").await.unwrap();
    client.get("/who").header("cookie", cookie.clone()).send().await.assert_text("ada").await;
    client.get("/perhaps").header("cookie", cookie.clone()).send().await.assert_text("ada").await;
    // A cookie that no middleware has is the application's mistake, and lets nobody in.
    let mistaken = client.get("/default").header("cookie", cookie).send().await;
    mistaken.assert_status(StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_store_that_is_down_is_503_whatever_an_operation_makes_of_it() {
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let cookie = CookieOptions::new().name(Shop::COOKIE_NAME);
    let store = TestStore::new();
    let sessions = Sessions::builder(keyring, store.clone()).cookie(cookie).build().unwrap();
    let header = testing::signed_in(&sessions, "ada").await.unwrap();
    let service = OpenApiService::new(Api, "Shop", "1.0");
    let client = TestClient::new(Route::new().nest("/", service).with(SessionMiddleware::new(sessions)));
    store.set_down(true);
    for path in ["/who", "/perhaps", "/tolerant"] {
        let response: Response = client.get(path).header("cookie", header.clone()).send().await.0;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
}
