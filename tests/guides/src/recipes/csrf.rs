//! Requests that another site's page made the browser send.

// --- on the page ---
use axum::http::{HeaderMap, Method, Uri, header};

/// Whether a page of another site (or of a sibling domain) made the browser send this request, which may change something.
pub fn is_forged(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    // A page may link to every other one. A WebSocket begins as a GET, but is no link.
    let is_harmless = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if is_harmless && !headers.contains_key(header::UPGRADE) {
        return false;
    }
    // All browsers since 2023 say where a request comes from.
    if let Some(site) = headers.get("sec-fetch-site") {
        return site != "same-origin" && site != "none";
    }
    // Older browsers name the page's origin. A client that sends neither header is no browser.
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let from = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| uri.authority().map(|authority| authority.as_str()));
    from.is_none() || from != host
}
