//! The session cookie: its attributes, how it is found in a request and how it is sent. One builder makes both the cookie and its
//! removal, so that both have the same name, path, domain and flags.

use ::cookie::{Cookie, CookieBuilder, time::Duration};
use http::{HeaderMap, HeaderValue, header};

pub use ::cookie::SameSite;

use crate::{OldCookie, SessionError};

/// The most that browsers keep of a cookie, in bytes: name, value and attributes (RFC 6265bis, 5.6).
const MAX_COOKIE_BYTES: usize = 4096;

/// How many cookies of our name are tried. A sibling domain can plant some beside the real one, and they must not crowd it out.
/// One that is not authentic costs less than a microsecond.
const MAX_CANDIDATES: usize = 64;

/// The longest cookie name that the core accepts, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// The attributes of the session cookie. It is always `HttpOnly`.
///
/// The default follows OWASP's Session Management Cheat Sheet: `__Host-session`, `Secure`, `HttpOnly`,
/// `SameSite=Lax`, `Path=/`, no `Domain`.
#[derive(Clone, Debug)]
pub struct CookieOptions {
    name: String,
    path: String,
    domain: Option<String>,
    same_site: SameSite,
    secure: bool,
    until_browser_closes: bool,
}

/// Why cookie options were refused: browsers would refuse them, or they contradict each other.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CookieError {
    /// The name is empty, too long or has characters that are not allowed in a cookie name (RFC 6265, 4.1.1).
    #[error("{0:?} cannot be a cookie's name; use letters, digits, - and _, at most {MAX_NAME_BYTES} of them")]
    Name(String),
    /// `__Host-` cookies are `Secure`, have `Path=/` and no `Domain` (RFC 6265bis, 4.1.3.2).
    #[error(
        "a cookie named {0:?} must be Secure with Path=/ and without Domain; for a Domain or another Path name it `__Secure-…`"
    )]
    HostPrefix(String),
    /// `__Secure-` cookies are `Secure`.
    #[error("a cookie named {0:?} must be Secure; over plain HTTP give it a name without the prefix")]
    SecurePrefix(String),
    /// Browsers keep `SameSite=None` only with `Secure`.
    #[error("SameSite=None needs a Secure cookie")]
    SameSiteNone,
    /// The path does not begin with `/` or has characters that end an attribute.
    #[error("{0:?} cannot be a cookie's path; it begins with / and has no ; or control characters")]
    Path(String),
    /// The domain is empty or has characters that are not allowed in a domain.
    #[error("{0:?} cannot be a cookie's domain; give it like `example.com`")]
    Domain(String),
}

/// The same as `Display`, because a `main` that returns an error prints it with `Debug`.
impl core::fmt::Debug for CookieError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

impl Default for CookieOptions {
    fn default() -> Self {
        Self {
            name: "__Host-session".into(),
            path: "/".into(),
            domain: None,
            same_site: SameSite::Lax,
            secure: true,
            until_browser_closes: false,
        }
    }
}

impl CookieOptions {
    /// The default attributes, as listed above.
    pub fn new() -> Self {
        Self::default()
    }

    /// **For development over plain HTTP only**: the cookie is named `session` and is not `Secure`, so anybody on the network can
    /// read it.
    pub fn insecure_for_plain_http_development() -> Self {
        Self { name: "session".into(), secure: false, ..Self::default() }
    }

    /// The cookie's name. A name that begins with `__Host-` (or `__Secure-`) makes browsers enforce the attributes.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The path under which browsers send the cookie. Needs a name without `__Host-`.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sends the cookie to this domain **and all its subdomains**. Needs a name without `__Host-`.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Which requests from other sites carry the cookie: with `Strict` none, with `Lax` only links, with `None` all (then protect
    /// against CSRF).
    #[must_use]
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Leaves out `Max-Age`, so that browsers drop the cookie when they close. Otherwise the cookie lasts for the session's
    /// lifetime, not its idle timeout: the server enforces that one, and a browser that missed a re-issued cookie stays signed
    /// in.
    #[must_use]
    pub fn until_browser_closes(mut self) -> Self {
        self.until_browser_closes = true;
        self
    }

    pub(crate) fn validate(&self) -> Result<(), CookieError> {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if self.name.is_empty() || self.name.len() > MAX_NAME_BYTES || !self.name.bytes().all(token) {
            return Err(CookieError::Name(self.name.clone()));
        }
        let prefixed =
            |prefix: &str| self.name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        if prefixed("__Host-") && !(self.secure && self.path == "/" && self.domain.is_none()) {
            return Err(CookieError::HostPrefix(self.name.clone()));
        }
        if prefixed("__Secure-") && !self.secure {
            return Err(CookieError::SecurePrefix(self.name.clone()));
        }
        if self.same_site == SameSite::None && !self.secure {
            return Err(CookieError::SameSiteNone);
        }
        let attribute = |b: u8| (b' '..0x7f).contains(&b) && b != b';';
        if !self.path.starts_with('/') || !self.path.bytes().all(attribute) {
            return Err(CookieError::Path(self.path.clone()));
        }
        if let Some(domain) = &self.domain {
            let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
            if domain.is_empty() || !domain.bytes().all(fits) {
                return Err(CookieError::Domain(domain.clone()));
            }
        }
        Ok(())
    }

    pub(crate) fn cookie_name(&self) -> &str {
        &self.name
    }

    /// Whether browsers send it only over HTTPS.
    pub(crate) const fn is_secure(&self) -> bool {
        self.secure
    }

    fn build<'a>(&'a self, value: &'a str) -> CookieBuilder<'a> {
        let cookie = Cookie::build((self.name.as_str(), value))
            .path(self.path.as_str())
            .secure(self.secure)
            .http_only(true)
            .same_site(self.same_site);
        match &self.domain {
            Some(domain) => cookie.domain(domain.as_str()),
            None => cookie,
        }
    }

    /// Whether a new session's cookie outlives the browser, unless its sign-in asks for something else.
    pub(crate) fn is_persistent(&self) -> bool {
        !self.until_browser_closes
    }

    /// `Set-Cookie` for a value that the browser keeps for `max_age_s` seconds, or until it closes. An error if it is larger than
    /// browsers keep.
    pub(crate) fn set(&self, value: &str, max_age_s: Option<u64>) -> Result<HeaderValue, SessionError> {
        let mut cookie = self.build(value).build();
        if let Some(max_age_s) = max_age_s {
            cookie.set_max_age(Duration::seconds(i64::try_from(max_age_s).unwrap_or(i64::MAX)));
        }
        let text = cookie.to_string();
        if text.len() > MAX_COOKIE_BYTES {
            return Err(SessionError::CookieTooLarge { bytes: text.len(), max: MAX_COOKIE_BYTES });
        }
        // Name, path and domain were validated and the value is base64url.
        Ok(HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("")))
    }

    /// `Set-Cookie` that removes the cookie under this former name.
    pub(crate) fn removal_of(&self, name: &str) -> HeaderValue {
        self.clone().name(name).removal()
    }

    /// `Set-Cookie` that removes the cookie.
    pub(crate) fn removal(&self) -> HeaderValue {
        let cookie = self.build("").removal().build();
        HeaderValue::try_from(cookie.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// The values of the first cookies of this name in a request, at most 64, as bytes. For an [`Adopt`](crate::Adopt) of your own.
pub fn cookie_values(headers: &HeaderMap, name: &str) -> Vec<Vec<u8>> {
    Cookies::of(headers).candidates(name).map(<[u8]>::to_vec).collect()
}

/// `Set-Cookie` that removes a cookie of another system. `None` if its name or path is not valid.
pub(crate) fn removal_of_old(old: &OldCookie) -> Option<HeaderValue> {
    let mut cookie = Cookie::build((old.name.clone(), "")).path(old.path.clone()).secure(true).removal();
    if let Some(domain) = &old.domain {
        cookie = cookie.domain(domain.clone());
    }
    HeaderValue::try_from(cookie.build().to_string()).ok()
}

/// A request's `Cookie` headers, kept until the session is first used. Sharing their bytes costs next to nothing; opening a
/// ticket that nobody uses would cost more than everything else.
pub(crate) struct Cookies {
    first: Option<HeaderValue>,
    /// HTTP/2 may split the header. Empty, and so without an allocation, if it did not.
    rest: Vec<HeaderValue>,
}

impl Cookies {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut lines = headers.get_all(header::COOKIE).into_iter().cloned();
        Self { first: lines.next(), rest: lines.collect() }
    }

    /// The values of the first cookies of this name, as bytes. Other cookies cannot affect them.
    ///
    /// The npm package finds the same ones (`wasm/npm/src/cookies.ts`); `tests/vectors/cookie-headers.json` tests both:
    ///
    /// - Only `;` separates cookies. A comma does not, although some runtimes join header lines with it: a sibling domain could
    ///   set a cookie `a` to `x, __Host-session=…`, and so get past the prefix.
    /// - Spaces and tabs around a cookie are trimmed, and no other characters: browsers check prefixes on names that keep those.
    /// - The name must be followed directly by `=` and match exactly. The value is the rest, without one pair of double quotes.
    pub(crate) fn candidates<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let lines = self.first.iter().chain(&self.rest);
        lines.flat_map(move |line| values(line.as_bytes(), name)).take(MAX_CANDIDATES)
    }
}

/// The values of all cookies of this name in one line.
fn values<'a>(line: &'a [u8], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    line.split(|b| *b == b';').filter_map(move |pair| {
        let value = trimmed(pair).strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
    })
}

fn trimmed(mut pair: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = pair {
        pair = rest;
    }
    pair
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_removal_has_the_cookies_attributes() {
        let options = CookieOptions::new().name("__Secure-s").path("/app").domain("example.com");
        options.validate().unwrap();
        let set = options.set("v", Some(10)).unwrap();
        assert_eq!(
            set.to_str().unwrap(),
            "__Secure-s=v; HttpOnly; SameSite=Lax; Secure; Path=/app; Domain=example.com; Max-Age=10"
        );
        let removal = options.removal();
        let removal = removal.to_str().unwrap();
        assert!(
            removal
                .starts_with("__Secure-s=; HttpOnly; SameSite=Lax; Secure; Path=/app; Domain=example.com; Max-Age=0")
        );
    }

    #[test]
    fn defaults_are_the_strict_ones() {
        let set = CookieOptions::new().set("v", Some(1)).unwrap();
        assert_eq!(set.to_str().unwrap(), "__Host-session=v; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=1");
    }

    #[test]
    fn contradictions_are_refused() {
        let refused = |options: CookieOptions| options.validate().unwrap_err();
        assert!(matches!(refused(CookieOptions::new().name("a b")), CookieError::Name(_)));
        assert!(matches!(refused(CookieOptions::new().name("")), CookieError::Name(_)));
        assert!(matches!(refused(CookieOptions::new().domain("x.y")), CookieError::HostPrefix(_)));
        assert!(matches!(refused(CookieOptions::new().path("/x")), CookieError::HostPrefix(_)));
        let plain = CookieOptions::insecure_for_plain_http_development;
        assert_eq!(plain().validate(), Ok(()));
        assert!(matches!(refused(plain().name("__host-x")), CookieError::HostPrefix(_)));
        assert!(matches!(refused(plain().name("__Secure-x")), CookieError::SecurePrefix(_)));
        assert_eq!(refused(plain().same_site(SameSite::None)), CookieError::SameSiteNone);
        assert!(matches!(refused(plain().path("x")), CookieError::Path(_)));
        assert!(matches!(refused(plain().path("/;x")), CookieError::Path(_)));
        assert!(matches!(refused(plain().domain("")), CookieError::Domain(_)));
    }

    #[test]
    fn an_oversized_cookie_is_counted_with_its_attributes() {
        let options = CookieOptions::new();
        let room = 4096 - options.set("", Some(10)).unwrap().len();
        assert!(options.set(&"x".repeat(room), Some(10)).is_ok());
        let error = options.set(&"x".repeat(room + 1), Some(10)).unwrap_err();
        assert!(matches!(error, SessionError::CookieTooLarge { bytes: 4097, max: 4096 }));
    }

    #[test]
    fn a_huge_max_age_does_not_panic() {
        CookieOptions::new().set("v", Some(u64::MAX)).unwrap();
    }

    #[test]
    fn cookies_are_found_beside_odd_ones() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_bytes(b"x=\xff\xfe; ss=no;s=1 ; s=\"2\"; s").unwrap());
        headers.append(header::COOKIE, HeaderValue::from_static("s=3; s=4; s=5"));
        let cookies = Cookies::of(&headers);
        let found: Vec<&[u8]> = cookies.candidates("s").collect();
        assert_eq!(found, [b"1", b"2", b"3", b"4", b"5"]);
        headers.append(header::COOKIE, HeaderValue::try_from("s=6; ".repeat(100)).unwrap());
        assert_eq!(Cookies::of(&headers).candidates("s").count(), MAX_CANDIDATES);
    }
    /// The npm package's tests read the same file. With `WAXSEAL_WRITE_VECTORS=1` the results of this test are written into it.
    #[test]
    fn headers_are_split_as_the_vectors_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/cookie-headers.json");
        let mut vectors: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let name = vectors["name"].as_str().unwrap().to_owned();
        let write = std::env::var_os("WAXSEAL_WRITE_VECTORS").is_some();
        for vector in vectors["headers"].as_array_mut().unwrap() {
            // A character stands for a byte.
            let header = vector["header"].as_str().unwrap().chars();
            let line: Vec<u8> = header.map(|character| u8::try_from(character).unwrap()).collect();
            let found = values(&line, &name).map(|value| value.iter().copied().map(char::from).collect::<String>());
            let found = serde_json::Value::from_iter(found.take(MAX_CANDIDATES));
            if write {
                vector["candidates"] = found;
            } else {
                assert_eq!(vector["candidates"], found, "{}", vector["header"]);
            }
        }
        if write {
            let lines: Vec<String> = vectors["headers"].as_array().unwrap().iter().map(ToString::to_string).collect();
            let text = format!("{{\"name\":\"{name}\",\"headers\":[\n{}\n]}}\n", lines.join(",\n"));
            std::fs::write(path, text).unwrap();
        }
    }
}
