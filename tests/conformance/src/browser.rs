//! A browser of one cookie.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value as Json;
use waxseal_core::Ticket;
use waxseal_http::Timestamp;

use crate::{App, Step};

/// What came back for a script.
#[derive(Debug)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub results: Vec<Json>,
}

impl Response {
    pub fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect()
    }
}

/// Keeps the session cookie between requests, as a browser does.
#[derive(Clone)]
pub struct Browser {
    app: App,
    pub cookie: Option<String>,
}

impl Browser {
    pub fn new(app: App) -> Self {
        Self { app, cookie: None }
    }

    /// The same browser at another application.
    pub fn at(&self, app: &App) -> Self {
        Self { app: app.clone(), cookie: self.cookie.clone() }
    }

    /// Runs a script, which must succeed, and gives its results.
    pub async fn run(&mut self, steps: &[Step]) -> Vec<Json> {
        let response = self.send(steps).await;
        assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
        response.results
    }

    /// Runs a script and keeps the cookie that comes back.
    pub async fn send(&mut self, steps: &[Step]) -> Response {
        let response = self.peek(steps).await;
        for cookie in response.set_cookies() {
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            assert_eq!(name, self.app.sessions.cookie_name());
            self.cookie = (!attributes.contains("Max-Age=0")).then(|| value.to_owned());
        }
        response
    }

    /// Runs a script and ignores the cookie that comes back: a response that got lost.
    pub async fn peek(&self, steps: &[Step]) -> Response {
        let name = self.app.sessions.cookie_name();
        let cookies: Vec<HeaderValue> =
            self.cookie.iter().map(|value| HeaderValue::try_from(format!("{name}={value}")).unwrap()).collect();
        self.raw(&cookies, steps).await
    }

    /// Runs a script with these `Cookie` headers.
    pub async fn raw(&self, cookies: &[HeaderValue], steps: &[Step]) -> Response {
        let (status, headers, body) = self.app.agent.send(cookies, steps).await;
        let results = serde_json::from_slice(&body).unwrap_or_default();
        Response { status, headers, body, results }
    }

    /// Visits one of the [`PAGES`](crate::PAGES) and ignores the cookie that comes back. Nothing where there are no extractors.
    pub async fn visit(&self, path: &str) -> Option<Response> {
        let cookie = self.cookie.as_ref().map(|value| format!("{}={value}", self.app.sessions.cookie_name()));
        let cookies: Vec<HeaderValue> = cookie.iter().map(|cookie| cookie.parse().unwrap()).collect();
        let (status, headers, body) = self.app.agent.visit(&cookies, path).await?;
        Some(Response { status, headers, body, results: Vec::new() })
    }

    /// The ticket in the cookie.
    pub fn ticket(&self, now: Timestamp) -> Ticket {
        let value = self.cookie.as_deref().unwrap();
        self.app.keyring.open_ticket(self.app.sessions.cookie_name(), value.as_bytes(), now).unwrap()
    }
}
