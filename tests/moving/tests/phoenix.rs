//! From Phoenix: the sessions that plug_crypto made are taken over, and a service beside Phoenix reads them.

#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use axum::{Router, body::Body, routing::get};
use http::{HeaderMap, Request, StatusCode, header};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use tower::ServiceExt;
use waxseal::{
    Adopt, Keyring, RootKey, Sessions, Timestamp,
    axum::{Session, SessionError, SessionLayer},
    testing::TestClock,
};
use waxseal_moving::{
    apps::phoenix::{beside, cookie, gen_auth, rows},
    browser::Browser,
    db::{Db, count},
    site::{App, Request as Visit},
};

/// When the fixtures were made.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_790_000_000);

/// The texts and the keys of plug_crypto.
struct Fixtures(serde_json::Value);

impl Fixtures {
    fn load() -> Self {
        Self(serde_json::from_str(include_str!("../../fixtures/plug.json")).unwrap())
    }

    fn secret_key_base(&self) -> &str {
        self.0["secret_key_base"].as_str().unwrap()
    }

    /// The texts of this kind and name, by each version of plug_crypto.
    fn all(&self, kind: &str, name: &str) -> Vec<String> {
        let cases = self.0["cases"].as_array().unwrap().iter();
        let found = cases.filter(|case| case["kind"] == kind && case["name"].as_str().unwrap().starts_with(name));
        let values: Vec<_> = found.map(|case| case["value"].as_str().unwrap().to_owned()).collect();
        assert!(!values.is_empty(), "{kind}: {name}");
        values
    }
}

async fn page(session: Session) -> Result<String, SessionError> {
    let user = session.subject().await?;
    Ok(format!("{user:?} {:?}", session.keys().await?))
}

fn app(db: &DatabaseConnection, clock: &TestClock, old: impl Adopt) -> (App, Sessions) {
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let sessions = cookie::sessions(keyring, db.clone(), old).clock(clock.clone()).build().unwrap();
    let router = Router::new().route("/", get(page)).layer(SessionLayer::new(sessions.clone()));
    (App::axum(router), sessions)
}

/// A browser comes with the cookie `_shop_key`, sees the page, and sees it again by our cookie alone. Later the old cookie is dead.
async fn moves(app: &App, clock: &TestClock, value: &str, expected: &str) {
    let browser = Browser::default();
    browser.keep(&format!("_shop_key={value}; Path=/; HttpOnly"), "/");
    let old = browser.header("/");
    for _ in 0..2 {
        let reply = app.answer(Visit { path: "/".into(), cookies: browser.header("/") }).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, expected), "{old}");
        reply.set_cookies.iter().for_each(|set| browser.keep(set, "/"));
        let names: Vec<_> = browser.kept().into_iter().map(|cookie| cookie.name).collect();
        assert_eq!(names, ["__Host-session"]);
    }
    clock.advance(Duration::from_secs(11));
    let reply = app.answer(Visit { path: "/".into(), cookies: old }).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "None []"));
}

#[tokio::test]
async fn session_cookies_are_taken_over() {
    let (fixtures, clock, db) = (Fixtures::load(), TestClock::at(NOW), Db::sqlite().await);
    let reader = cookie::session_reader(fixtures.secret_key_base()).unwrap();
    let until = NOW.plus_seconds(60 * 24 * 3600);
    let (app, _) = app(&db.connection, &clock, cookie::old_sessions(reader, until));
    let cookies = fixtures.all("session cookie, encrypted", "strings");
    assert_eq!(cookies.len(), 2, "of plug_crypto 1 and 2");
    for value in &cookies {
        moves(&app, &clock, value, r#"Some("42") ["locale", "user_id"]"#).await;
    }
    // After the day that was set, none is taken over any more.
    clock.advance(Duration::from_secs(60 * 24 * 3600));
    let late = fixtures.all("session cookie, encrypted", "Phoenix's own keys").remove(0);
    let reply = app.answer(Visit { path: "/".into(), cookies: format!("_shop_key={late}") }).await;
    assert_eq!(reply.body, "None []");
    db.close().await;
}

async fn from_gen_auth(db: Db, create: &str) {
    let (fixtures, clock) = (Fixtures::load(), TestClock::at(NOW));
    let reader = cookie::session_reader(fixtures.secret_key_base()).unwrap();
    let (app, sessions) = app(&db.connection, &clock, gen_auth::old_sessions(db.connection.clone(), reader));
    db.connection.execute_unprepared(create).await.unwrap();
    let [first, second] = fixtures.all("session cookie, encrypted", "Phoenix's own keys").try_into().unwrap();
    moves(&app, &clock, &first, r#"Some("42") ["_csrf_token", "live_socket_id"]"#).await;
    assert_eq!(count(&db.connection, "users_tokens").await, 1, "the token is gone, another user's is not");
    // Not beyond the day on which the token would have ended.
    let deadline = sessions.list("42").await.unwrap()[0].times.deadline;
    assert_eq!(deadline, NOW.plus_seconds(13 * 24 * 3600));
    // The token is deleted, so that another cookie with it is nobody's.
    let reply = app.answer(Visit { path: "/".into(), cookies: format!("_shop_key={second}") }).await;
    assert_eq!(reply.body, "None []");
    db.close().await;
}

#[tokio::test]
async fn sessions_of_gen_auth_are_taken_over_on_postgres() {
    let Some(db) = Db::postgres("gen_auth").await else { return };
    let create = "CREATE TABLE users_tokens (id bigserial PRIMARY KEY, user_id bigint NOT NULL, token bytea NOT NULL,
            context varchar NOT NULL, inserted_at timestamp(0) NOT NULL);
        INSERT INTO users_tokens (user_id, token, context, inserted_at) VALUES
            (42, '\\x0102fffe', 'session', to_timestamp(1790000000 - 86400) AT TIME ZONE 'UTC'), (7, '\\x00', 'session', now())";
    from_gen_auth(db, create).await;
}

#[tokio::test]
async fn sessions_of_gen_auth_are_taken_over_on_sqlite() {
    let create = "CREATE TABLE users_tokens (id integer PRIMARY KEY, user_id integer NOT NULL, token blob NOT NULL,
            context text NOT NULL, inserted_at text NOT NULL);
        INSERT INTO users_tokens (user_id, token, context, inserted_at) VALUES
            (42, x'0102fffe', 'session', datetime(1790000000 - 86400, 'unixepoch')), (7, x'00', 'session', datetime(0))";
    from_gen_auth(Db::sqlite().await, create).await;
}

#[tokio::test]
async fn rows_of_a_database_store_are_taken_over() {
    let Some(db) = Db::postgres("plug_rows").await else { return };
    let (fixtures, clock) = (Fixtures::load(), TestClock::at(NOW));
    let reader = cookie::session_reader(fixtures.secret_key_base()).unwrap();
    let (app, _) = app(&db.connection, &clock, rows::old_sessions(db.connection.clone(), reader));
    let id = "aB3-_".repeat(26)[..128].to_owned();
    let data = fixtures.all("session cookie, encrypted", "strings").remove(1);
    let create = format!(
        "CREATE TABLE sessions (id serial PRIMARY KEY, session_cookie text NOT NULL, data bytea NOT NULL,
            valid_from timestamp NOT NULL, valid_to timestamp NOT NULL);
        INSERT INTO sessions (session_cookie, data, valid_from, valid_to) VALUES
            ('{id}', convert_to('{data}', 'UTF8'), to_timestamp(1789999000) AT TIME ZONE 'UTC', to_timestamp(1790000600) AT TIME ZONE 'UTC')"
    );
    db.connection.execute_unprepared(&create).await.unwrap();
    moves(&app, &clock, &id, r#"Some("42") ["locale", "user_id"]"#).await;
    assert_eq!(count(&db.connection, "sessions").await, 0);
    db.close().await;
}

#[tokio::test]
async fn a_service_beside_phoenix_knows_its_users() {
    let fixtures = Fixtures::load();
    let phoenix = beside::Phoenix::new(fixtures.secret_key_base()).unwrap();
    let service = beside::service(phoenix.clone());
    let ask = async |cookies: String| {
        let request = Request::get("/whoami").header(header::COOKIE, cookies).body(Body::empty()).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        let status = response.status();
        (status, axum::body::to_bytes(response.into_body(), 100).await.unwrap())
    };
    for value in fixtures.all("session cookie, encrypted", "strings") {
        assert_eq!(ask(format!("_shop_key={value}")).await, (StatusCode::OK, "42".into()));
        let forged = format!("_shop_key={}x", &value[..value.len() - 1]);
        assert_eq!(ask(forged).await.0, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(ask(String::new()).await.0, StatusCode::UNAUTHORIZED);

    let token = fixtures.all("Phoenix.Token, signed", "salt \"user auth\"").remove(0);
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap())]);
    let clock = TestClock::at(NOW);
    assert_eq!(phoenix.token_user(&headers, &clock).as_deref(), Some("42"));
    clock.advance(Duration::from_secs(24 * 3600 + 1));
    assert_eq!(phoenix.token_user(&headers, &clock), None);
}
