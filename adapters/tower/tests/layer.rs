//! What tower and axum applications see: extractors, errors, and bodies of any type.

#![allow(missing_docs, clippy::unwrap_used)]
#![cfg(feature = "axum")]

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use axum::{
    Router,
    body::Body,
    response::IntoResponse,
    routing::{get, post},
};
use http::{Request, Response, StatusCode, header};
use serde::{Deserialize, Serialize};
use tower::{Service, ServiceBuilder, ServiceExt};
use waxseal_tower::{
    CookieName, CookieOptions, Keyring, MemoryStore, Named, RootKey, Session, SessionError, SessionLayer, Sessions,
    SignedIn, Typed, TypedData, waxseal_http,
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

async fn sign_in(session: Session) -> Result<(), SessionError> {
    session.sign_in("ada")
}

async fn guarded(SignedIn { subject, .. }: SignedIn) -> String {
    subject
}

async fn perhaps(signed_in: Option<SignedIn>) -> String {
    signed_in.map_or("nobody".into(), |signed_in| signed_in.subject)
}

async fn installed(session: Option<Session>) -> String {
    session.is_some().to_string()
}

async fn add(cart: Typed<Cart>) -> Result<String, SessionError> {
    cart.update(|cart| cart.items.push("bread".into()))?;
    Ok(cart.get().await?.items.join(","))
}

async fn text<B: http_body::Body<Data = axum::body::Bytes> + Send + 'static>(response: Response<B>) -> String
where
    B::Error: Into<axum::BoxError>,
{
    let bytes = axum::body::to_bytes(Body::new(response.into_body()), usize::MAX).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn request(path: &str, cookie: Option<&str>) -> Request<Body> {
    let mut request = Request::get(path);
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    request.body(Body::empty()).unwrap()
}

fn cookie<B>(response: &Response<B>) -> Option<String> {
    let value = response.headers().get(header::SET_COOKIE)?.to_str().unwrap();
    Some(value.split(';').next().unwrap().to_owned())
}

#[tokio::test]
async fn axum_handlers_take_what_they_need() {
    let routes = Router::new()
        .route("/sign-in", get(sign_in))
        .route("/guarded", get(guarded))
        .route("/perhaps", get(perhaps))
        .route("/installed", get(installed))
        .route("/add", get(add));
    let app = routes.clone().layer(SessionLayer::new(sessions()));
    let get = async |path: &str, cookie: Option<&str>| app.clone().oneshot(request(path, cookie)).await.unwrap();

    let refused = get("/guarded", None).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(text(refused).await, "Please sign in.");
    assert_eq!(text(get("/perhaps", None).await).await, "nobody");
    assert_eq!(text(get("/installed", None).await).await, "true");
    let signed_in = get("/sign-in", None).await;
    assert_eq!(signed_in.headers()[header::CACHE_CONTROL], "no-store");
    let cookie = cookie(&signed_in).unwrap();
    assert_eq!(text(get("/guarded", Some(&cookie)).await).await, "ada");
    assert_eq!(text(get("/perhaps", Some(&cookie)).await).await, "ada");
    assert_eq!(text(get("/add", Some(&cookie)).await).await, "bread");
    assert_eq!(text(get("/add", Some(&cookie)).await).await, "bread,bread");

    // Without the layer, an error that says what to do.
    let bare = async |path: &str| routes.clone().oneshot(request(path, None)).await.unwrap();
    let missing = bare("/guarded").await;
    assert_eq!(missing.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(text(missing).await.contains("put the session middleware around it"));
    assert_eq!(text(bare("/installed").await).await, "false");
}

#[tokio::test]
async fn a_layer_inside_another_of_the_same_sessions_joins_it() {
    async fn marked(session: Session, request: Request<Body>, next: axum::middleware::Next) -> Response<Body> {
        session.insert("seen", true).unwrap();
        next.run(request).await
    }
    let sessions = sessions();
    let app = Router::new()
        .route("/sign-in", get(sign_in))
        .route("/guarded", get(guarded))
        .layer(SessionLayer::new(sessions.clone()))
        .layer(axum::middleware::from_fn(marked))
        .layer(SessionLayer::new(sessions));
    let signed_in = app.clone().oneshot(request("/sign-in", None)).await.unwrap();
    assert_eq!(signed_in.headers().get_all(header::SET_COOKIE).iter().count(), 1);
    let cookie = cookie(&signed_in);
    assert_eq!(text(app.oneshot(request("/guarded", cookie.as_deref())).await.unwrap()).await, "ada");
}

struct Shop;
struct Admin;

impl CookieName for Shop {
    const COOKIE_NAME: &str = "__Host-shop";
}

impl CookieName for Admin {
    const COOKIE_NAME: &str = "__Host-admin";
}

#[tokio::test]
async fn a_handler_can_name_either_of_two_sessions() {
    async fn both(shop: Named<Shop>, admin: Named<Admin>, nearest: Session) -> Result<String, SessionError> {
        shop.sign_in("customer")?;
        admin.sign_in("clerk")?;
        Ok(format!("{:?}", (shop.subject().await?, admin.subject().await?, nearest.subject().await?)))
    }
    async fn too_large(shop: Named<Shop>, admin: Named<Admin>) -> Result<(), SessionError> {
        admin.sign_in("clerk")?;
        shop.insert("large", "x".repeat(100_000))
    }
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let named = |name| {
        let cookie = CookieOptions::new().name(name);
        Sessions::builder(keyring.clone(), MemoryStore::new()).cookie(cookie).build().unwrap()
    };
    let app = Router::new()
        .route("/", get(both))
        .route("/too-large", get(too_large))
        .layer(SessionLayer::new(named("__Host-admin")))
        .layer(SessionLayer::new(named("__Host-shop")));
    let names = |response: &Response<Body>| {
        let cookies = response.headers().get_all(header::SET_COOKIE).iter();
        cookies.map(|cookie| cookie.to_str().unwrap().split('=').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let response = app.clone().oneshot(request("/", None)).await.unwrap();
    assert_eq!(names(&response), ["__Host-admin", "__Host-shop"]);
    assert_eq!(text(response).await, r#"(Some("customer"), Some("clerk"), Some("clerk"))"#);
    // What the inner one has saved stays saved, and its cookie goes out.
    let response = app.oneshot(request("/too-large", None)).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(names(&response), ["__Host-admin"]);
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn two_of_one_configuration_are_one() {
    async fn marked(request: Request<Body>, next: axum::middleware::Next) -> Response<Body> {
        Session::named(request.extensions(), "__Host-session").unwrap().insert("seen", true).unwrap();
        next.run(request).await
    }
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let built = || Sessions::builder(keyring.clone(), MemoryStore::new()).build().unwrap();
    let app = Router::new()
        .route("/sign-in", get(sign_in))
        .layer(SessionLayer::new(built()))
        .layer(axum::middleware::from_fn(marked))
        .layer(SessionLayer::new(built()));
    let response = app.oneshot(request("/sign-in", None)).await.unwrap();
    assert_eq!(response.headers().get_all(header::SET_COOKIE).iter().count(), 1);
}

#[tokio::test]
async fn an_error_response_of_axum_commits_by_its_status() {
    async fn fails(session: Session) -> Result<(), Response<Body>> {
        session.insert("n", 1).unwrap();
        Err((StatusCode::CONFLICT, "no").into_response())
    }
    async fn breaks(session: Session) -> Result<(), StatusCode> {
        session.insert("n", 2).unwrap();
        Err(StatusCode::BAD_GATEWAY)
    }
    let app = Router::new().route("/fails", post(fails).get(breaks)).layer(SessionLayer::new(sessions()));
    let post = Request::post("/fails").body(Body::empty()).unwrap();
    let conflict = app.clone().oneshot(post).await.unwrap();
    assert_eq!((conflict.status(), cookie(&conflict).is_some()), (StatusCode::CONFLICT, true));
    let broken = app.oneshot(request("/fails", None)).await.unwrap();
    assert_eq!((broken.status(), cookie(&broken)), (StatusCode::BAD_GATEWAY, None));
}

/// A service of its own body type, which is neither `Send` nor known to anybody.
#[derive(Clone)]
struct Own;

#[derive(Debug, Default, PartialEq)]
struct OwnBody(Option<std::rc::Rc<str>>);

impl Service<Request<()>> for Own {
    type Response = Response<OwnBody>;
    type Error = &'static str;
    type Future = Ready<Result<Response<OwnBody>, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let session = request.extensions().get::<waxseal_http::Session>().unwrap();
        if request.uri().path() == "/plain" {
            return ready(Ok(Response::new(OwnBody(Some("plain".into())))));
        }
        session.insert("large", "x".repeat(if request.uri().path() == "/large" { 100_000 } else { 1 })).unwrap();
        if request.uri().path() == "/signed-out-and-failed" {
            session.destroy();
        }
        match request.uri().path() {
            "/failed" | "/signed-out-and-failed" => ready(Err("the service failed")),
            _ => ready(Ok(Response::new(OwnBody(Some("own".into()))))),
        }
    }
}

#[tokio::test]
async fn any_body_and_any_error_pass_through() {
    let service = ServiceBuilder::new().layer(SessionLayer::new(sessions())).service(Own);
    let call = async |path: &str, cookie: Option<&str>| {
        let mut request = Request::get(path);
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        service.clone().oneshot(request.body(()).unwrap()).await
    };
    let plain = call("/plain", None).await.unwrap();
    assert_eq!((plain.body(), plain.headers().len()), (&OwnBody(Some("plain".into())), 0));
    let own = call("/own", None).await.unwrap();
    assert_eq!(own.body(), &OwnBody(Some("own".into())));
    let cookie = cookie(&own).unwrap();
    // What cannot be saved does not claim success, and has no body of the handler's.
    let large = call("/large", Some(&cookie)).await.unwrap();
    assert_eq!((large.status(), large.body()), (StatusCode::INTERNAL_SERVER_ERROR, &OwnBody(None)));
    // R14: a service that fails discards, but a sign-out counts.
    assert_eq!(call("/failed", Some(&cookie)).await.unwrap_err(), "the service failed");
    assert!(call("/own", Some(&cookie)).await.unwrap().headers().get(header::SET_COOKIE).is_none(), "alive");
    assert!(call("/signed-out-and-failed", Some(&cookie)).await.is_err());
    assert!(call("/own", Some(&cookie)).await.unwrap().headers().get(header::SET_COOKIE).is_none(), "ended just now");
}

#[tokio::test]
async fn tonics_routes_run_behind_it() {
    let service =
        ServiceBuilder::new().layer(SessionLayer::new(sessions())).service(tonic::service::Routes::default().prepare());
    let request = Request::post("/no.such.Service/Call").header(header::CONTENT_TYPE, "application/grpc");
    let response = service.oneshot(request.body(tonic::body::Body::empty()).unwrap()).await;
    let Ok(response): Result<_, Infallible> = response;
    assert_eq!(response.headers()["grpc-status"], "12", "unimplemented, by tonic itself");
}

#[tokio::test]
async fn plain_hyper_serves_it() {
    use hyper::{body::Incoming, server::conn::http1};
    use hyper_util::{rt::TokioIo, service::TowerToHyperService};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let visits = tower::service_fn(async |request: Request<Incoming>| {
        let session = request.extensions().get::<waxseal_http::Session>().unwrap();
        session.update("visits", |n: Option<u64>| n.unwrap_or(0) + 1).unwrap();
        let visits: Option<u64> = session.get("visits").await.unwrap();
        Ok::<_, Infallible>(Response::new(http_body_util::Full::<axum::body::Bytes>::from(format!("{visits:?}"))))
    });
    let service = ServiceBuilder::new().layer(SessionLayer::new(sessions())).service(visits);
    let mut cookie = String::new();
    for n in 1..=2 {
        let (mut client, server) = tokio::io::duplex(4096);
        let connection =
            http1::Builder::new().serve_connection(TokioIo::new(server), TowerToHyperService::new(service.clone()));
        let exchange = async {
            let request = format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{cookie}\r\n");
            client.write_all(request.as_bytes()).await.unwrap();
            let mut response = String::new();
            client.read_to_string(&mut response).await.unwrap();
            response
        };
        let (connection, response) = tokio::join!(connection, exchange);
        connection.unwrap();
        assert!(response.ends_with(&format!("Some({n})")), "{response}");
        if let Some(set) = response.lines().find_map(|line| line.strip_prefix("set-cookie: ")) {
            cookie = format!("Cookie: {}\r\n", set.split(';').next().unwrap());
        }
    }
}
