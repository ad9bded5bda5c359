//! A browser in front of a router, with the one cookie that it keeps.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderValue, Method, Request, StatusCode, header},
};
use tower::ServiceExt;
use waxseal::{
    Keyring, RootKey, Sessions, SessionsBuilder, Store,
    axum::SessionLayer,
    testing::{self, TestClock},
};

/// Sessions in `store` whose time is `clock`'s.
pub fn builder(store: impl Store, clock: &TestClock) -> SessionsBuilder {
    Sessions::builder(Keyring::new([RootKey::generate().unwrap()]).unwrap(), store).clock(clock.clone())
}

#[derive(Clone)]
pub struct Browser {
    app: Router,
    cookie: Option<HeaderValue>,
}

impl Browser {
    /// A browser that has no cookie yet.
    pub fn new(routes: Router, sessions: &Sessions) -> Self {
        Self { app: routes.layer(SessionLayer::new(sessions.clone())), cookie: None }
    }

    /// A browser of this user.
    pub async fn signed_in(routes: Router, sessions: &Sessions, user: &str) -> Self {
        let cookie = Some(testing::signed_in(sessions, user).await.unwrap());
        Self { cookie, ..Self::new(routes, sessions) }
    }

    /// Sends this cookie from now on.
    pub fn keep(&mut self, cookie: HeaderValue) {
        self.cookie = Some(cookie);
    }

    pub fn cookie(&self) -> Option<&HeaderValue> {
        self.cookie.as_ref()
    }

    pub async fn get(&mut self, path: &str) -> (StatusCode, String) {
        self.send(Method::GET, path, &[]).await
    }

    pub async fn post(&mut self, path: &str) -> (StatusCode, String) {
        self.send(Method::POST, path, &[]).await
    }

    pub async fn send(&mut self, method: Method, path: &str, headers: &[(&str, &str)]) -> (StatusCode, String) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        for set in response.headers().get_all(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            let pair = HeaderValue::from_str(set.split(';').next().unwrap()).unwrap();
            self.cookie = (!set.contains("Max-Age=0")).then_some(pair);
        }
        let status = response.status();
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}
