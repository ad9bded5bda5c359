//! The response headers that go with a session.

use std::sync::Once;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::shared_caches::{forbids_shared_caches, overrides_cache_control};

/// Adds a `Set-Cookie`, and makes sure that no shared cache keeps the response: it would hand one user's session to the next one
/// (OWASP Session Management Cheat Sheet, "Web Content Caching").
///
/// The handler's `Cache-Control` stays if it already forbids shared caches. Otherwise `no-store` replaces it, whatever the
/// status, and the log has a warning, once per process.
pub(crate) fn set_cookie(headers: &mut HeaderMap, cookie: HeaderValue) {
    headers.append(header::SET_COOKIE, cookie);
    if forbid_shared_caches(headers) {
        warn_once();
    }
}

/// Makes sure that no shared cache keeps the response. Returns whether a header that allowed it was replaced.
pub(crate) fn forbid_shared_caches(headers: &mut HeaderMap) -> bool {
    let mut replaced = false;
    let targeted: Vec<HeaderName> = headers.keys().filter(|name| overrides_cache_control(name)).cloned().collect();
    for name in targeted {
        if !forbids_shared_caches(headers.get_all(&name)) {
            headers.remove(&name);
            replaced = true;
        }
    }
    if !forbids_shared_caches(headers.get_all(header::CACHE_CONTROL)) {
        replaced |= headers.contains_key(header::CACHE_CONTROL) || headers.contains_key(header::EXPIRES);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.remove(header::EXPIRES);
    }
    replaced
}

fn warn_once() {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        tracing::warn!(
            "a response with a session cookie let shared caches keep it; its caching headers were replaced by `Cache-Control: no-store` \
             (said once; use `private`, or leave the session alone on pages that everybody may see)"
        );
    });
}

/// Adds `Vary: Cookie` unless it is there already (RFC 9110, 12.5.5).
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

    fn with_cookie(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        set_cookie(&mut headers, HeaderValue::from_static("a=b"));
        headers
    }

    #[test]
    fn a_value_that_forbids_shared_caches_stays() {
        for value in ["private", "no-store", "private, max-age=60", "no-cache, PRIVATE"] {
            let headers = with_cookie(&[("cache-control", value), ("expires", "0")]);
            assert_eq!(headers[header::CACHE_CONTROL], value);
            assert!(headers.contains_key(header::EXPIRES));
        }
        let lines = with_cookie(&[("cache-control", "max-age=60"), ("cache-control", "private")]);
        assert_eq!(lines.get_all(header::CACHE_CONTROL).iter().count(), 2);
    }

    #[test]
    fn every_other_value_is_replaced() {
        let expires = ("expires", "Wed, 21 Oct 2099 07:28:00 GMT");
        for lines in [
            &[][..],
            &[("cache-control", "public, max-age=3600"), expires],
            &[("cache-control", "max-age=60"), ("cache-control", "immutable")],
            &[("cache-control", "private"), ("cache-control", "s-maxage=60")],
            &[expires],
        ] {
            let headers = with_cookie(lines);
            assert_eq!(headers.get_all(header::CACHE_CONTROL).iter().collect::<Vec<_>>(), ["no-store"], "{lines:?}");
            assert!(!headers.contains_key(header::EXPIRES), "{lines:?}");
        }
    }

    #[test]
    fn headers_for_one_kind_of_cache_do_not_override_it() {
        for name in ["surrogate-control", "cdn-cache-control", "cloudflare-cdn-cache-control", "x-accel-expires"] {
            for value in ["max-age=60", "60", "private, public"] {
                let headers = with_cookie(&[(name, value), ("cache-control", "private")]);
                assert_eq!((headers.get(name), headers.len()), (None, 2), "{name}: {value}");
            }
        }
        let headers = with_cookie(&[("cdn-cache-control", "no-store")]);
        assert_eq!((headers["cdn-cache-control"].as_bytes(), headers.len()), (&b"no-store"[..], 3));
    }
}
