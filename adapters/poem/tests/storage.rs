//! Poem's own `ServerSession`, with its documented usage, on a store of ours: only the line that makes the storage is another.

#![allow(missing_docs, clippy::unwrap_used)]
#![cfg(feature = "storage")]

use poem::{
    Endpoint, EndpointExt, Route, get, handler,
    http::{StatusCode, header},
    session::{CookieConfig, ServerSession, Session},
    test::TestClient,
};
use waxseal_poem::{HostedSessions, Keyring, MemoryStore, PoemStorage, RootKey, Sessions};

#[handler]
fn count(session: &Session) -> String {
    let count = session.get::<i32>("count").unwrap_or(0) + 1;
    session.set("count", count);
    format!("Hello!\nHow many times have seen you: {count}")
}

#[handler]
fn renew(session: &Session) {
    session.renew();
}

#[handler]
fn purge(session: &Session) {
    session.purge();
}

fn app() -> impl Endpoint {
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let sessions = Sessions::builder(keyring, MemoryStore::new()).build().unwrap();
    let storage = PoemStorage::new(HostedSessions::new(sessions).unwrap());
    Route::new()
        .at("/", get(count))
        .at("/renew", get(renew))
        .at("/purge", get(purge))
        .with(ServerSession::new(CookieConfig::default().secure(false), storage))
}

struct Visitor<E> {
    client: TestClient<E>,
    cookie: Option<String>,
}

impl<E: Endpoint> Visitor<E> {
    async fn get(&mut self, path: &str) -> String {
        let mut request = self.client.get(path);
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let response = request.send().await;
        response.assert_status(StatusCode::OK);
        if let Some(cookie) = response.0.headers().get(header::SET_COOKIE) {
            self.cookie = cookie.to_str().unwrap().split(';').next().map(String::from);
        }
        response.0.into_body().into_string().await.unwrap()
    }
}

#[tokio::test]
async fn poems_documented_example_runs() {
    let mut visitor = Visitor { client: TestClient::new(app()), cookie: None };
    for n in 1..=3 {
        assert_eq!(visitor.get("/").await, format!("Hello!\nHow many times have seen you: {n}"));
    }
    let before = visitor.cookie.clone();
    visitor.get("/renew").await;
    assert_ne!(visitor.cookie, before);
    assert!(visitor.get("/").await.ends_with(": 4"), "a renewal keeps the data");
    let renewed = std::mem::replace(&mut visitor.cookie, before);
    assert!(visitor.get("/").await.ends_with(": 1"), "the old cookie is dead");
    visitor.cookie = renewed.clone();
    visitor.get("/purge").await;
    visitor.cookie = renewed;
    assert!(visitor.get("/").await.ends_with(": 1"));
}
