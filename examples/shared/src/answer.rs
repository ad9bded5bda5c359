//! What an action answers, before a framework makes a response of it.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::Markup;
use serde_json::Value;

/// A status, headers and a body.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    fn new(status: StatusCode, content_type: &'static str, body: String) -> Self {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self { status, headers, body }
    }

    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: String::new() }
    }

    pub(crate) fn text(status: StatusCode, text: impl Into<String>) -> Self {
        Self::new(status, "text/plain; charset=utf-8", text.into())
    }

    pub(crate) fn json(status: StatusCode, value: &Value) -> Self {
        Self::new(status, "application/json", value.to_string())
    }

    pub(crate) fn html(status: StatusCode, markup: Markup) -> Self {
        const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
        let mut answer = Self::new(status, "text/html; charset=utf-8", markup.into_string());
        answer.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer.headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        answer
    }

    /// Back to the page for a browser's form, JSON for a tool.
    pub(crate) fn done(request: &HeaderMap, value: &Value) -> Self {
        if !wants_html(request) {
            return Self::json(StatusCode::OK, value);
        }
        let mut answer = Self::empty(StatusCode::SEE_OTHER);
        answer.headers.insert(header::LOCATION, HeaderValue::from_static("/"));
        answer
    }
}

pub(crate) fn wants_html(request: &HeaderMap) -> bool {
    request
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}
