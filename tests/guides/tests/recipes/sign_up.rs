//! Signing up, "remember me", and the way to the sign-in page and back.

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, header},
    routing::{get, post},
};
use sea_orm::{Database, DatabaseConnection};
use sea_orm_migration::MigratorTrait;
use tower::ServiceExt;
use waxseal::{
    MemoryStore, Sessions,
    axum::{SessionLayer, SignedIn},
    testing::TestClock,
};
use waxseal_guides::recipes::sign_in::{
    find_user::find_user,
    migrator::Migrator,
    remember,
    sign_in_page::{self, own_path},
    sign_up::sign_up,
};

use crate::{browser::builder, database::OwnDatabase};

async fn users() -> DatabaseConnection {
    let mut options = sea_orm::ConnectOptions::new("sqlite::memory:");
    options.max_connections(1);
    let db = Database::connect(options).await.unwrap();
    Migrator::up(&db, None).await.unwrap();
    db
}

#[tokio::test]
async fn a_name_is_taken_once() {
    let db = users().await;
    let ada = sign_up(&db, "ada", "correct horse".into()).await.unwrap().expect("a user");
    assert!(sign_up(&db, "ada", "another".into()).await.unwrap().is_none());
    let found = find_user(&db, "ada", "correct horse".into()).await.unwrap();
    assert_eq!(found.expect("a user").id, ada.id);
    assert!(find_user(&db, "ada", "another".into()).await.unwrap().is_none());
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_taken_name_is_told_by_every_database() {
    for database in OwnDatabase::of_each_kind("sign_up", "ada", "hash").await {
        assert!(sign_up(&database.db, "ada", "another".into()).await.unwrap().is_none());
        database.remove().await;
    }
}

/// Signs in; the cookie as it is set.
async fn signs_in(routes: &Router, form: &str) -> String {
    let request = Request::post("/sign-in")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::USER_AGENT, "a browser")
        .body(Body::from(form.to_owned()));
    let response = routes.clone().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn remember_me_is_a_month() {
    const MONTH: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 3600);
    let db = users().await;
    sign_up(&db, "ada", "correct horse".into()).await.unwrap();
    let sessions = builder(MemoryStore::new(), &TestClock::new()).max_lifetime(MONTH).build().unwrap();
    let routes = Router::new()
        .route("/sign-in", get(remember::sign_in_page).post(remember::sign_in))
        .with_state(db.clone())
        .layer(SessionLayer::new(sessions.clone()));
    let remembered = signs_in(&routes, "name=ada&password=correct+horse&remember_me=on").await;
    assert!(remembered.contains("Max-Age=2592000"), "{remembered}");
    let short = signs_in(&routes, "name=ada&password=correct+horse").await;
    assert!(!short.contains("Max-Age"), "{short}");
    let devices = sessions.list("1").await.unwrap();
    assert_eq!(devices.len(), 2);
    assert!(devices.iter().all(|device| device.label.as_deref() == Some("a browser")));
    db.close().await.unwrap();
}

async fn who(user: SignedIn) -> String {
    user.subject
}

/// Where a request without a session is sent.
async fn sent_to(sessions: &Sessions, method: Method, path: &str) -> String {
    let routes = Router::new().route("/{*path}", get(who).merge(post(who)));
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let response = sign_in_page::app(routes, sessions.clone()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    response.headers()[header::LOCATION].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_is_not_signed_in_is_sent_to_the_sign_in_page_and_back() {
    let sessions = builder(MemoryStore::new(), &TestClock::new()).build().unwrap();
    assert_eq!(sent_to(&sessions, Method::GET, "/orders/7?page=2").await, "/sign-in?next=/orders/7");
    assert_eq!(sent_to(&sessions, Method::GET, "/a&b+c%20d").await, "/sign-in?next=/a%26b%2Bc%2520d");
    assert_eq!(sent_to(&sessions, Method::POST, "/orders").await, "/sign-in");
    for own in ["/", "/orders/7", "/a&b"] {
        assert_eq!(own_path(Some(own)), own);
    }
    for other in ["", "orders", "https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example"] {
        assert_eq!(own_path(Some(other)), "/", "{other:?}");
    }
    assert_eq!(own_path(None), "/");
}
