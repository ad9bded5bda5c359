//! The response headers that go with a session.

use http::{HeaderMap, HeaderValue, header};

/// Adds a `Set-Cookie`, and `Cache-Control: no-store` unless the handler chose one: a shared cache must not hand one user's
/// cookie to another (OWASP Session Management Cheat Sheet, "Web Content Caching").
pub(crate) fn set_cookie(headers: &mut HeaderMap, cookie: HeaderValue) {
    headers.append(header::SET_COOKIE, cookie);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Adds `Vary: Cookie` where it is not said already (RFC 9110, 12.5.5).
pub(crate) fn vary_cookie(headers: &mut HeaderMap) {
    let said = headers.get_all(header::VARY).into_iter().any(|line| {
        let mut names = line.as_bytes().split(|b| *b == b',').map(<[u8]>::trim_ascii);
        names.any(|name| name == b"*" || name.eq_ignore_ascii_case(b"cookie"))
    });
    if !said {
        headers.append(header::VARY, HeaderValue::from_static("Cookie"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vary_is_said_once() {
        let mut headers = HeaderMap::new();
        headers.append(header::VARY, HeaderValue::from_static("accept-encoding, cookie"));
        vary_cookie(&mut headers);
        assert_eq!(headers.get_all(header::VARY).iter().count(), 1);
        headers.remove(header::VARY);
        vary_cookie(&mut headers);
        vary_cookie(&mut headers);
        assert_eq!(headers.get_all(header::VARY).iter().collect::<Vec<_>>(), ["Cookie"]);
    }

    #[test]
    fn a_chosen_cache_control_stays() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
        set_cookie(&mut headers, HeaderValue::from_static("a=b"));
        assert_eq!(headers[header::CACHE_CONTROL], "private");
    }
}
