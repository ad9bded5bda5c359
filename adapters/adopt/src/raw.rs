//! Cookies as they appear in the request's header.

use cookie::Cookie;

/// A cookie from its name and its value in the header, which may be percent-encoded.
pub(crate) fn parse(name: &str, raw: &str) -> Option<Cookie<'static>> {
    // A semicolon would end the value.
    if raw.contains(';') {
        return None;
    }
    let parsed = Cookie::parse_encoded(format!("name={raw}")).ok()?;
    Some(Cookie::new(name.to_owned(), parsed.value().to_owned()))
}
