//! The application in one process, with `config/test.yaml`.

use axum::{Router, body::Body};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use loco_rs::{app::Hooks, boot::StartMode, environment::Environment, prelude::*};
use tower::ServiceExt;

use crate::app::App;

async fn boot() -> (Router, AppContext) {
    let config = App::load_config(&Environment::Test).await.unwrap();
    let booted = App::boot(StartMode::ServerOnly, &Environment::Test, config).await.unwrap();
    (booted.router.unwrap(), booted.app_context)
}

async fn send(app: &Router, method: Method, path: &str, cookie: &str, form: &str) -> Response {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::COOKIE, cookie)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .unwrap();
    app.clone().oneshot(request).await.unwrap()
}

async fn get(app: &Router, path: &str, cookie: &str) -> (StatusCode, String) {
    let response = send(app, Method::GET, path, cookie, "").await;
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// Signs in; the value of the `Cookie` header.
async fn signed_in(app: &Router) -> String {
    let response = send(app, Method::POST, "/account/sign-in", "", "user=ada").await;
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_user_signs_in_and_out() {
    let (app, _) = boot().await;
    let ada = signed_in(&app).await;
    assert_eq!(get(&app, "/account", &ada).await, (StatusCode::OK, r#"{"user":"ada","visits":1}"#.into()));
    assert_eq!(get(&app, "/account/devices", &ada).await, (StatusCode::OK, r#"{"devices":1}"#.into()));
    send(&app, Method::POST, "/account/sign-out", &ada, "").await;
    assert_eq!(get(&app, "/account", &ada).await.0, StatusCode::UNAUTHORIZED);
}

/// `SignedIn` refuses in front of `/account`; in `/account/devices` it is `?` that does.
#[tokio::test]
async fn nobody_signed_in_is_a_401() {
    let (app, _) = boot().await;
    for path in ["/account", "/account/devices", "/whoami", "/devices"] {
        assert_eq!(get(&app, path, "").await, (StatusCode::UNAUTHORIZED, "Please sign in.".into()), "{path}");
    }
}

#[tokio::test]
async fn a_failing_store_is_a_503() {
    let (app, ctx) = boot().await;
    let ada = signed_in(&app).await;
    ctx.db.execute_unprepared("DROP TABLE waxseal_sessions").await.unwrap();
    for path in ["/account", "/account/devices", "/whoami", "/devices", "/"] {
        let (status, body) = get(&app, path, &ada).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(body, "The session could not be reached. Please try again.", "{path}");
    }
    assert_eq!(get(&app, "/plain", &ada).await.0, StatusCode::OK, "a page that needs no session");
}

/// Loco responds to its own errors and to the database's, and tells clients no details.
#[tokio::test]
async fn other_errors_are_locos() {
    use crate::error::AppError;
    for (error, status) in [
        (AppError::from(Error::NotFound), StatusCode::NOT_FOUND),
        (AppError::from(ModelError::EntityNotFound), StatusCode::NOT_FOUND),
        (AppError::from(DbErr::Custom("secret".into())), StatusCode::INTERNAL_SERVER_ERROR),
    ] {
        let response = error.into_response();
        assert_eq!(response.status(), status);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(!String::from_utf8_lossy(&body).contains("secret"));
    }
}
