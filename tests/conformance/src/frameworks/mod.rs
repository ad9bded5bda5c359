//! How each framework runs a script.

pub mod axum;
pub mod engine;
pub mod poem;
pub mod salvo;

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use waxseal_http::{RequestHead, SessionError};

use crate::Step;

/// What came back: status, headers, body.
pub type Raw = (StatusCode, HeaderMap, Vec<u8>);

/// Sends a script with these `Cookie` headers.
#[async_trait]
pub trait Agent: Send + Sync {
    async fn send(&self, cookies: &[HeaderValue], steps: &[Step]) -> Raw;

    /// Asks one of [`PAGES`]. Nothing where there are no extractors.
    async fn visit(&self, cookies: &[HeaderValue], path: &str) -> Option<Raw>;
}

/// Pages by what their handlers take: `SignedIn`, `MaybeSignedIn`, `Option<SignedIn>` and `Result<SignedIn, _>`, which say who is signed in
/// or "nobody" (in Salvo the last two do not compile, and are pages like the second); and `SubjectSessions`, which ends ada's.
pub const PAGES: [&str; 5] = ["/signed-in", "/maybe", "/optional", "/result", "/end-adas"];

/// How an application answers to failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failures {
    /// As the framework's adapter does by itself.
    Plain,
    /// By [`own_page`], or by a redirection where nobody is signed in.
    OwnPages,
}

pub const RETRY_AFTER: &str = "7";

/// An application's own page for a failure.
pub fn own_page(error: &SessionError, request: &RequestHead) -> String {
    format!("own page: {} {} {}", error.status().as_u16(), request.method, request.uri.path())
}

/// Sends over a socket of its own. The server stops when it is dropped.
pub struct Socket {
    address: String,
    server: tokio::task::JoinHandle<()>,
}

impl Socket {
    pub fn new(address: String, server: tokio::task::JoinHandle<()>) -> Self {
        Self { address, server }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[async_trait]
impl Agent for Socket {
    async fn send(&self, cookies: &[HeaderValue], steps: &[Step]) -> Raw {
        self.post("/", cookies, steps).await
    }

    async fn visit(&self, cookies: &[HeaderValue], path: &str) -> Option<Raw> {
        Some(self.post(path, cookies, &[]).await)
    }
}

impl Socket {
    async fn post(&self, path: &str, cookies: &[HeaderValue], steps: &[Step]) -> Raw {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let mut request = Request::post(path)
            .header(header::HOST, &self.address)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(serde_json::to_vec(steps).unwrap())))
            .unwrap();
        for cookie in cookies {
            request.headers_mut().append(header::COOKIE, cookie.clone());
        }
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        connection.abort();
        (head.status, head.headers, body)
    }
}
