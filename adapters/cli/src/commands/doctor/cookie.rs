//! The session cookie that an application sends.

use std::time::Duration;

use super::{Finding, broken, ok, warning};

/// How long the application may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn examine(url: &str, name: &str) -> Vec<Finding> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        .http_status_as_error(false)
        .build()
        .into();
    let response = match agent.get(url).call() {
        Ok(response) => response,
        Err(error) => return vec![broken("url", format!("no answer: {error}"))],
    };
    let headers = response.headers();
    let texts = |name: &str| -> Vec<String> {
        headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).map(String::from).collect()
    };
    let prefix = format!("{name}=");
    let Some(cookie) = texts("set-cookie").into_iter().find(|set| set.starts_with(&prefix)) else {
        let text = format!("it sets no cookie {name:?} (--cookie); name an address that does");
        return vec![warning("cookie", text)];
    };
    let mut findings = attributes(&cookie, name, url.starts_with("https://"));
    let cache: String = texts("cache-control").join(", ").to_lowercase();
    findings.push(if cache.contains("no-store") || cache.contains("private") {
        ok("cookie-cache", cache)
    } else {
        broken(
            "cookie-cache",
            format!("a shared cache may keep the response and its cookie: Cache-Control is {cache:?}"),
        )
    });
    findings
}

fn attributes(cookie: &str, name: &str, tls: bool) -> Vec<Finding> {
    let given: Vec<String> = cookie.split(';').skip(1).map(|part| part.trim().to_lowercase()).collect();
    let has = |wanted: &str| given.iter().any(|part| part == wanted);
    let mut findings = Vec::new();
    if !has("secure") {
        findings.push(broken(
            "cookie-secure",
            "no Secure: the cookie travels in the clear, and anybody on the way can take it",
        ));
    }
    if !has("httponly") {
        findings.push(broken("cookie-httponly", "no HttpOnly: a script in the page can read it"));
    }
    if !has("samesite=lax") && !has("samesite=strict") {
        findings.push(broken("cookie-samesite", "no SameSite=Lax or Strict: other sites can send requests with it"));
    }
    if !name.starts_with("__Host-") && !name.starts_with("__Secure-") {
        findings.push(warning(
            "cookie-name",
            "without the prefix __Host-, a sibling domain can plant a cookie of this name",
        ));
    }
    if name.starts_with("__Host-") && (!has("path=/") || given.iter().any(|part| part.starts_with("domain="))) {
        findings.push(broken("cookie-name", "__Host- needs Path=/ and no Domain: browsers refuse the cookie"));
    }
    if !tls {
        findings.push(warning("url", "it is not https: browsers keep Secure cookies from other hosts than localhost"));
    }
    if findings.is_empty() {
        findings.push(ok("cookie", "its attributes are safe"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(cookie: &str, name: &str) -> Vec<&'static str> {
        attributes(cookie, name, true).iter().map(|finding| finding.name).collect()
    }

    #[test]
    fn what_is_wrong_with_a_cookie_is_named() {
        let good = "__Host-session=x; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=28800";
        assert_eq!(names(good, "__Host-session"), ["cookie"]);
        assert_eq!(names("s=x", "s"), ["cookie-secure", "cookie-httponly", "cookie-samesite", "cookie-name"]);
        let bound = "__Host-session=x; HttpOnly; SameSite=Lax; Secure; Path=/; Domain=a.example";
        assert_eq!(names(bound, "__Host-session"), ["cookie-name"]);
    }
}
