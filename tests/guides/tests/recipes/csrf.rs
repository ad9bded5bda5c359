//! The check of where a request comes from, and tokens.

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use waxseal::{
    MemoryStore,
    axum::{Session, SessionError},
    testing::{self, TestClock},
};
use waxseal_guides::recipes::{
    csrf::is_forged,
    tokens::{csrf_token, has_csrf_token},
};

use crate::browser::{Browser, builder};

fn refused(method: Method, headers: &[(&'static str, &'static str)]) -> bool {
    let pair =
        |(name, value): &(&'static str, &'static str)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    is_forged(&method, &Uri::from_static("/"), &headers.iter().map(pair).collect::<HeaderMap>())
}

#[test]
fn requests_of_other_sites_are_refused() {
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        assert!(refused(method.clone(), &[("sec-fetch-site", "cross-site")]));
        assert!(refused(method.clone(), &[("sec-fetch-site", "same-site")]), "a sibling domain");
        assert!(refused(method.clone(), &[("sec-fetch-site", "anything else")]));
        assert!(refused(method.clone(), &[("origin", "https://evil.example"), ("host", "shop.example")]));
        assert!(refused(method.clone(), &[("origin", "null"), ("host", "shop.example")]));
        assert!(refused(method.clone(), &[("origin", "https://shop.example")]), "no host to compare with");
        assert!(refused(method.clone(), &[("origin", "null")]), "no host either");
        assert!(!refused(method.clone(), &[("sec-fetch-site", "same-origin"), ("origin", "https://shop.example")]));
        assert!(!refused(method.clone(), &[("sec-fetch-site", "none")]));
        assert!(!refused(method.clone(), &[("origin", "https://shop.example"), ("host", "shop.example")]));
        assert!(!refused(method, &[("host", "shop.example")]), "a tool that is no browser");
    }
    assert!(!refused(Method::GET, &[("sec-fetch-site", "cross-site")]), "a link");
    assert!(refused(Method::GET, &[("sec-fetch-site", "cross-site"), ("upgrade", "websocket")]));
    assert!(refused(Method::CONNECT, &[("origin", "https://evil.example")]), "a WebSocket on HTTP/2");
}

#[test]
fn http_2_has_the_host_in_the_uri() {
    let headers =
        HeaderMap::from_iter([(HeaderName::from_static("origin"), HeaderValue::from_static("https://a.example"))]);
    assert!(!is_forged(&Method::POST, &Uri::from_static("https://a.example/"), &headers));
    assert!(is_forged(&Method::POST, &Uri::from_static("https://b.example/"), &headers));
}

async fn same_origin_only(request: Request, next: Next) -> Response {
    if is_forged(request.method(), request.uri(), request.headers()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(request).await
}

#[tokio::test]
async fn a_refused_request_does_not_reach_the_handler() {
    let sign_out = post(async |session: Session| session.sign_out());
    let who = get(async |session: Session| Ok::<_, SessionError>(session.subject().await?.unwrap_or_default()));
    let routes = Router::new().route("/sign-out", sign_out).route("/", who);
    let sessions = builder(MemoryStore::new(), &TestClock::new()).build().unwrap();
    let mut browser = Browser::signed_in(routes.layer(middleware::from_fn(same_origin_only)), &sessions, "ada").await;
    let (status, _) = browser.send(Method::POST, "/sign-out", &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!((status, browser.get("/").await.1), (StatusCode::FORBIDDEN, "ada".into()));
    let (status, _) = browser.send(Method::POST, "/sign-out", &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!((status, browser.get("/").await.1), (StatusCode::OK, String::new()));
}

#[tokio::test]
async fn a_token_is_good_in_its_session_alone() {
    let token = get(async |session: Session| csrf_token(&session).await);
    let check = get(async |session: Session, given: String| {
        Ok::<_, SessionError>(has_csrf_token(&session, &given).await?.to_string())
    });
    let check_header = get(async |session: Session, headers: HeaderMap| {
        let given = headers.get("x-csrf-token").and_then(|given| given.to_str().ok()).unwrap_or_default();
        Ok::<_, SessionError>(has_csrf_token(&session, given).await?.to_string())
    });
    let routes = Router::new().route("/token", token).route("/empty", check).route("/check", check_header);
    let sessions = builder(MemoryStore::new(), &TestClock::new()).build().unwrap();
    let mut ada = Browser::signed_in(routes.clone(), &sessions, "ada").await;
    let mut bob = Browser::signed_in(routes, &sessions, "bob").await;
    assert_eq!(ada.get("/empty").await.1, "false", "no token was made, and none was given");
    let token = ada.get("/token").await.1;
    assert_eq!((token.len(), ada.get("/token").await.1), (64, token.clone()));
    let given = [("x-csrf-token", token.as_str())];
    assert_eq!(ada.send(Method::GET, "/check", &given).await.1, "true");
    assert_eq!(bob.send(Method::GET, "/check", &given).await.1, "false");
    bob.get("/token").await;
    assert_eq!(bob.send(Method::GET, "/check", &given).await.1, "false");
    assert_eq!(ada.send(Method::GET, "/check", &[("x-csrf-token", "0000")]).await.1, "false");
}

#[tokio::test]
async fn two_first_pages_at_once_agree_on_the_token() {
    let sessions = builder(MemoryStore::new(), &TestClock::new()).build().unwrap();
    let cookie = testing::signed_in(&sessions, "ada").await.unwrap();
    let headers = HeaderMap::from_iter([(header::COOKIE, cookie)]);
    let [one, two] = [(); 2].map(|()| Session::from(sessions.open(&headers)));
    // Both have loaded the session before either makes the token.
    for session in [&one, &two] {
        assert_eq!(session.get::<String>("csrf").await.unwrap(), None);
    }
    assert_eq!(csrf_token(&one).await.unwrap(), csrf_token(&two).await.unwrap());
}

/// Under a cookie with which nothing is saved, a page gets a token that counts, in a session of its own.
#[tokio::test]
async fn a_dead_cookie_gets_a_token_too() {
    let token = get(async |session: Session| csrf_token(&session).await);
    let check = get(async |session: Session, headers: HeaderMap| {
        let given = headers.get("x-csrf-token").and_then(|given| given.to_str().ok()).unwrap_or_default();
        Ok::<_, SessionError>(has_csrf_token(&session, given).await?.to_string())
    });
    let routes = Router::new().route("/token", token).route("/check", check);
    let sessions = builder(MemoryStore::new(), &TestClock::new()).build().unwrap();
    let of_other_keys = builder(MemoryStore::new(), &TestClock::new()).build().unwrap();
    let ended = Browser::signed_in(routes.clone(), &sessions, "ada").await;
    sessions.revoke_all("ada").await.unwrap();
    let cookie = testing::signed_in(&of_other_keys, "ada").await.unwrap();
    let mut unknown_key = Browser::new(routes, &sessions);
    unknown_key.keep(cookie);
    for mut browser in [ended, unknown_key] {
        let before = browser.cookie().cloned();
        let (status, token) = browser.get("/token").await;
        assert_eq!((status.as_u16(), token.len()), (200, 64));
        assert_ne!(browser.cookie().cloned(), before);
        assert_eq!(browser.send(Method::GET, "/check", &[("x-csrf-token", &token)]).await.1, "true");
        assert_eq!(browser.get("/token").await.1, token);
    }
}
