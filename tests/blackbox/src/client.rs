//! A client that keeps the session cookie, over a connection a request.

use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    body::{Bytes, Incoming},
    http::response::Parts,
};
use hyper_util::rt::TokioIo;
use serde_json::Value as Json;
use tokio::{net::TcpStream, task::JoinHandle};

#[derive(Clone)]
pub struct Client {
    /// Host and port.
    pub address: String,
    /// `name=value`.
    pub cookie: Option<String>,
    pub headers: Vec<(HeaderName, String)>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.text()))
    }
}

impl Client {
    #[must_use]
    pub fn user_agent(mut self, user_agent: &str) -> Self {
        self.headers.push((header::USER_AGENT, user_agent.into()));
        self
    }

    pub(crate) async fn send(&mut self, method: Method, path: &str, content_type: &str, body: &str) -> Answer {
        let (head, body, connection) = self.begin(method, path, content_type, body).await;
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        connection.abort();
        Answer { status: head.status, headers: head.headers, body }
    }

    /// Sends a request. The body is still to come, over a connection that its task carries.
    pub(crate) async fn begin(
        &mut self,
        method: Method,
        path: &str,
        content_type: &str,
        body: &str,
    ) -> (Parts, Incoming, JoinHandle<hyper::Result<()>>) {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, &self.address);
        if !content_type.is_empty() {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        for (name, value) in self.own_headers() {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        for cookie in head.headers.get_all(header::SET_COOKIE) {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            self.cookie = (!attributes.contains("Max-Age=0")).then(|| pair.to_owned());
        }
        (head, body, connection)
    }

    /// The headers that go with every request: the cookie, and the client's own.
    pub(crate) fn own_headers(&self) -> impl Iterator<Item = (HeaderName, &str)> {
        let cookie = self.cookie.as_deref().map(|cookie| (header::COOKIE, cookie));
        cookie.into_iter().chain(self.headers.iter().map(|(name, value)| (name.clone(), value.as_str())))
    }
}
