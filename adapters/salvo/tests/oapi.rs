//! Sessions in the OpenAPI description of Salvo's endpoints, and requests to what it describes.

#![allow(missing_docs, clippy::unwrap_used)]
#![cfg(feature = "oapi")]

use salvo::{
    oapi::OpenApi,
    prelude::*,
    test::{ResponseExt, TestClient},
};
use serde::{Deserialize, Serialize};
use waxseal_salvo::{
    CookieName, CookieOptions, Keyring, MaybeSignedIn, Named, RootKey, Session, SessionError, SessionHoop, Sessions,
    SignedIn, SubjectSessions, Typed, TypedData, oapi,
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

#[endpoint]
async fn who(user: SignedIn) -> Result<String, SessionError> {
    user.session.insert("seen", true)?;
    Ok(user.subject)
}

#[endpoint]
async fn perhaps(user: MaybeSignedIn) -> String {
    user.0.map_or("nobody".into(), |user| user.subject)
}

#[endpoint]
async fn other(_session: Session, _cart: Typed<Cart>, _shop: Named<Shop>, _sessions: SubjectSessions) {}

fn router(sessions: Sessions) -> Router {
    Router::new()
        .hoop(SessionHoop::new(sessions))
        .push(Router::with_path("who").get(who))
        .push(Router::with_path("perhaps").get(perhaps))
        .push(Router::with_path("other").get(other))
}

fn sessions(store: TestStore) -> Sessions {
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let cookie = CookieOptions::new().name(Shop::COOKIE_NAME);
    Sessions::builder(keyring, store).cookie(cookie).build().unwrap()
}

#[test]
fn the_description_names_the_cookie_and_what_may_come() {
    let sessions = sessions(TestStore::new());
    let scheme = oapi::security_scheme(&sessions);
    let api = OpenApi::new("Shop", "1.0").add_security_scheme(oapi::SCHEME, scheme).merge_router(&router(sessions));
    let description: serde_json::Value = serde_json::from_str(&api.to_json().unwrap()).unwrap();
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
async fn endpoints_know_who_is_signed_in() {
    let store = TestStore::new();
    let sessions = sessions(store.clone());
    let cookie = testing::signed_in(&sessions, "ada").await.unwrap();
    let service = Service::new(router(sessions));
    let get = async |path: &str, cookie: Option<&salvo::http::HeaderValue>| {
        let request = TestClient::get(format!("http://localhost{path}"));
        let request = match cookie {
            Some(cookie) => request.add_header("cookie", cookie.clone(), true),
            None => request,
        };
        let mut response = request.send(&service).await;
        (response.status_code.unwrap().as_u16(), response.take_string().await.unwrap())
    };
    assert_eq!(get("/who", None).await.0, 401);
    assert_eq!(get("/perhaps", None).await, (200, "nobody".into()));
    assert_eq!(get("/who", Some(&cookie)).await, (200, "ada".into()));
    store.set_down(true);
    assert_eq!(get("/who", Some(&cookie)).await.0, 503);
    assert_eq!(get("/perhaps", Some(&cookie)).await.0, 503);
}
