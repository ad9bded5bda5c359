//! Sessions in the OpenAPI description that aide makes, and requests to what it describes.

#![allow(missing_docs, clippy::unwrap_used)]
#![cfg(feature = "aide")]

use aide::{
    axum::{ApiRouter, routing::get},
    openapi::OpenApi,
};
use axum::{Json, Router, body::Body};
use http::{HeaderValue, Request};
use serde::{Deserialize, Serialize};
use tower::ServiceExt;
use waxseal_tower::{
    CookieName, CookieOptions, Keyring, MaybeSignedIn, Named, RootKey, Session, SessionError, SessionLayer, Sessions,
    SignedIn, SubjectSessions, Typed, TypedData, aide as session_docs,
    waxseal_http::testing::{self, TestStore},
};

struct Shop;

impl CookieName for Shop {
    const COOKIE_NAME: &str = "__Host-shop";
}

#[derive(Default, Serialize, Deserialize)]
struct Cart;

impl TypedData for Cart {
    const KEY: &'static str = "cart";
}

async fn who(user: SignedIn) -> Result<Json<String>, SessionError> {
    user.session.insert("seen", true)?;
    Ok(Json(user.subject))
}

async fn perhaps(MaybeSignedIn(user): MaybeSignedIn) -> Json<String> {
    Json(user.map_or("nobody".into(), |user| user.subject))
}

async fn other(_: Session, _: Typed<Cart>, _: Named<Shop>, _: SubjectSessions) {}

fn app(sessions: Sessions) -> (Router, OpenApi) {
    let scheme = session_docs::security_scheme(&sessions);
    let mut description = OpenApi::default();
    let app = ApiRouter::new()
        .api_route("/who", get(who))
        .api_route("/perhaps", get(perhaps))
        .api_route("/other", get(other))
        .finish_api_with(&mut description, |api| api.security_scheme(session_docs::SCHEME, scheme));
    (app.layer(SessionLayer::new(sessions)), description)
}

fn sessions(store: TestStore) -> Sessions {
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let cookie = CookieOptions::new().name(Shop::COOKIE_NAME);
    Sessions::builder(keyring, store).cookie(cookie).build().unwrap()
}

#[test]
fn the_description_names_the_cookie_and_what_may_come() {
    let description = serde_json::to_value(app(sessions(TestStore::new())).1).unwrap();
    let scheme = &description["components"]["securitySchemes"]["session"];
    assert_eq!(scheme["type"], "apiKey");
    assert_eq!((&scheme["in"], &scheme["name"]), (&"cookie".into(), &"__Host-shop".into()));
    let operation = |path: &str| &description["paths"][path]["get"];
    assert_eq!(operation("/who")["security"], serde_json::json!([{ "session": [] }]));
    assert_eq!(operation("/perhaps")["security"], serde_json::json!([{}, { "session": [] }]));
    assert!(operation("/other")["security"].is_null());
    for (path, status) in [("/who", "200"), ("/who", "401"), ("/who", "503"), ("/perhaps", "503"), ("/other", "503")] {
        assert!(operation(path)["responses"][status].is_object(), "{path} {status}: {description}");
    }
    assert!(operation("/perhaps")["responses"]["401"].is_null());
}

#[tokio::test]
async fn handlers_know_who_is_signed_in() {
    let store = TestStore::new();
    let sessions = sessions(store.clone());
    let cookie = testing::signed_in(&sessions, "ada").await.unwrap();
    let (app, _) = app(sessions);
    let get = async |path: &str, cookie: Option<&HeaderValue>| {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        if let Some(cookie) = cookie {
            request.headers_mut().insert("cookie", cookie.clone());
        }
        let response = app.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        (status, axum::body::to_bytes(response.into_body(), 1000).await.unwrap())
    };
    assert_eq!(get("/who", None).await.0, 401);
    assert_eq!(get("/perhaps", None).await, (200, "\"nobody\"".into()));
    assert_eq!(get("/who", Some(&cookie)).await, (200, "\"ada\"".into()));
    store.set_down(true);
    assert_eq!(get("/who", Some(&cookie)).await.0, 503);
    assert_eq!(get("/perhaps", Some(&cookie)).await.0, 503);
}
