//! Whether a response's headers forbid shared caches to keep it (RFC 9111, 5.2.2; RFC 9213). If in doubt, they do not.

use http::{HeaderName, HeaderValue};

/// Whether these lines of `Cache-Control` together forbid every shared cache to keep the response: `private` without field names,
/// or `no-store`, and nothing that overrides it.
pub(crate) fn forbids_shared_caches<'a>(lines: impl IntoIterator<Item = &'a HeaderValue>) -> bool {
    let (mut private, mut no_store, mut must_understand) = (false, false, false);
    for line in lines {
        let mut rest = line.as_bytes();
        loop {
            // A list may have empty elements (RFC 9110, 5.6.1).
            rest = rest.trim_ascii_start();
            if let Some(after) = rest.strip_prefix(b",") {
                rest = after;
                continue;
            }
            if rest.is_empty() {
                break;
            }
            let Some((name, argument, after)) = directive(rest) else { return false };
            match (name.to_ascii_lowercase().as_slice(), argument) {
                (b"private", false) => private = true,
                (b"no-store", false) => no_store = true,
                (b"must-understand", false) => must_understand = true,
                // With an argument they cover less than the whole response, or are malformed; the others contradict them.
                (b"private" | b"no-store" | b"must-understand", true) | (b"public" | b"s-maxage", _) => return false,
                _ => {}
            }
            rest = after;
        }
    }
    // A cache that knows `must-understand` ignores a `no-store` beside it (RFC 9111, 5.2.2.3).
    private || (no_store && !must_understand)
}

/// Whether caches obey this header instead of `Cache-Control`: the targeted fields of RFC 9213, which end in `-Cache-Control`,
/// and the older headers of surrogates, Akamai and nginx.
pub(crate) fn overrides_cache_control(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.ends_with("-cache-control") || matches!(name, "surrogate-control" | "edge-control" | "x-accel-expires")
}

/// The first directive: its name, whether it has an argument, and the text after its comma. `None` if it is malformed.
fn directive(text: &[u8]) -> Option<(&[u8], bool, &[u8])> {
    let (name, rest) = token(text)?;
    let (argument, rest) = match rest.strip_prefix(b"=") {
        Some(value) => (true, value.strip_prefix(b"\"").map_or_else(|| Some(token(value)?.1), after_quoted)?),
        None => (false, rest),
    };
    match rest.trim_ascii_start() {
        [] => Some((name, argument, &[])),
        [b',', rest @ ..] => Some((name, argument, rest)),
        _ => None,
    }
}

/// A token (RFC 9110, 5.6.2), and the rest.
fn token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let ends = |b: &u8| !(b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b));
    let length = text.iter().position(ends).unwrap_or(text.len());
    (length > 0).then(|| text.split_at(length))
}

/// The text after a quoted string that has begun.
fn after_quoted(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        match text {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', _, rest @ ..] | [_, rest @ ..] => text = rest,
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbids(lines: &[&str]) -> bool {
        let lines: Vec<HeaderValue> = lines.iter().map(|line| HeaderValue::from_str(line).unwrap()).collect();
        forbids_shared_caches(&lines)
    }

    #[test]
    fn these_forbid_shared_caches() {
        for lines in [
            &["private"][..],
            &["no-store"],
            &["Private"],
            &["NO-STORE, max-age=0"],
            &["private, max-age=600, must-revalidate"],
            &[" , private ,, no-cache=\"Set-Cookie\" "],
            &["max-age=60", "private"],
            &["no-cache, no-store, must-revalidate"],
            &["private, must-understand, no-store"],
            &["ext=\"a, \\\" b\", private"],
            &["private,stale-while-revalidate=60"],
        ] {
            assert!(forbids(lines), "{lines:?}");
        }
    }

    #[test]
    fn these_do_not() {
        for lines in [
            &[][..],
            &[""],
            &["public"],
            &["public, max-age=3600"],
            &["max-age=60"],
            &["max-age=0"],
            &["s-maxage=60"],
            &["must-revalidate"],
            &["proxy-revalidate"],
            &["immutable"],
            &["stale-while-revalidate=60"],
            &["stale-if-error=60"],
            &["no-cache"],
            &["no-transform"],
            // The whole response, or not at all.
            &["private=\"Set-Cookie\""],
            &["no-cache=\"Set-Cookie\""],
            &["private=\"a\", private"],
            // Taken back.
            &["private, public"],
            &["private", "s-maxage=60"],
            &["no-store, public"],
            &["must-understand, no-store"],
            // Malformed.
            &["private;"],
            &["private max-age=60"],
            &["=private"],
            &["no-store="],
            &["no-store=1"],
            &["no-store = 1"],
            &["ext=\"private, no-store"],
            &["ext=\"open", "private"],
            &["ext=\"a\\", "private"],
            &["ext=\"private\""],
            &["\"private\""],
            &["privately"],
            &["x-private"],
            &["priv ate"],
            &["pri\u{e9}vate"],
        ] {
            assert!(!forbids(lines), "{lines:?}");
        }
    }

    #[test]
    fn headers_that_override_are_known() {
        for name in [
            "CDN-Cache-Control",
            "Cloudflare-CDN-Cache-Control",
            "Vercel-CDN-Cache-Control",
            "Netlify-CDN-Cache-Control",
            "X-LiteSpeed-Cache-Control",
            "Surrogate-Control",
            "Edge-Control",
            "X-Accel-Expires",
        ] {
            assert!(overrides_cache_control(&name.parse().unwrap()), "{name}");
        }
        assert!(!overrides_cache_control(&http::header::CACHE_CONTROL));
        assert!(!overrides_cache_control(&http::header::EXPIRES));
    }
}
