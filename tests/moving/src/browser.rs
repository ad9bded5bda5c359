//! A browser: it keeps cookies as RFC 6265bis says, and sends those that fit the address.

use std::sync::Mutex;

use cookie::Cookie;

/// Where the application is.
pub const HOST: &str = "shop.example.com";

/// A cookie is another one where its name, domain or path differs: a removal must have all three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub name: String,
    pub value: String,
    /// `None` for a cookie of this host alone.
    pub domain: Option<String>,
    pub path: String,
}

impl Kept {
    fn is(&self, other: &Self) -> bool {
        (&self.name, &self.domain, &self.path) == (&other.name, &other.domain, &other.path)
    }

    fn is_sent_to(&self, path: &str) -> bool {
        let rest = path.strip_prefix(self.path.as_str());
        rest.is_some_and(|rest| rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/'))
    }
}

/// The cookies of one browser. Several requests of it may run at once.
#[derive(Debug, Default)]
pub struct Browser(Mutex<Vec<Kept>>);

impl Browser {
    /// The `Cookie` header of a request for this path. Longer paths come first.
    pub fn header(&self, path: &str) -> String {
        let mut sent = self.kept();
        sent.retain(|cookie| cookie.is_sent_to(path));
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<String> = sent.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        pairs.join("; ")
    }

    /// All cookies.
    pub fn kept(&self) -> Vec<Kept> {
        self.0.lock().unwrap().clone()
    }

    /// Takes a response's `Set-Cookie` of a request for `path`, over HTTPS.
    pub fn keep(&self, set_cookie: &str, path: &str) {
        let set = Cookie::parse(set_cookie.to_owned()).unwrap();
        let domain = set.domain().map(|domain| domain.trim_start_matches('.').to_owned());
        if domain.as_ref().is_some_and(|domain| HOST != domain && !HOST.ends_with(&format!(".{domain}"))) {
            return;
        }
        let default =
            path.rsplit_once('/').map(|(folder, _)| folder).filter(|folder| !folder.is_empty()).unwrap_or("/");
        let new = Kept {
            name: set.name().to_owned(),
            value: set.value().to_owned(),
            domain,
            path: set.path().filter(|path| path.starts_with('/')).unwrap_or(default).to_owned(),
        };
        let secure = set.secure() == Some(true);
        let fits_prefix = if new.name.starts_with("__Host-") {
            secure && new.domain.is_none() && new.path == "/"
        } else {
            secure || !new.name.starts_with("__Secure-")
        };
        if !fits_prefix {
            return;
        }
        let mut kept = self.0.lock().unwrap();
        kept.retain(|cookie| !cookie.is(&new));
        let is_removal = set.max_age().is_some_and(|age| !age.is_positive());
        if !is_removal {
            kept.push(new);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removal_must_have_the_name_the_domain_and_the_path() {
        let browser = Browser::default();
        browser.keep("id=1; Path=/shop; Domain=example.com", "/shop/page");
        for other in
            ["id=; Max-Age=0; Path=/", "id=; Max-Age=0; Path=/shop", "ID=; Max-Age=0; Path=/shop; Domain=example.com"]
        {
            browser.keep(other, "/shop/page");
            assert_eq!(browser.header("/shop/page"), "id=1", "{other}");
        }
        browser.keep("id=; Max-Age=0; Path=/shop; Domain=example.com", "/");
        assert_eq!(browser.header("/shop/page"), "");
    }

    #[test]
    fn cookies_go_where_they_belong() {
        let browser = Browser::default();
        browser.keep("a=1; Path=/", "/shop/page");
        browser.keep("b=2", "/shop/page");
        browser.keep("c=3; Domain=elsewhere.example", "/");
        browser.keep("__Host-d=4; Path=/", "/");
        browser.keep("__Host-e=5; Path=/; Secure", "/");
        assert_eq!(browser.header("/shop/page"), "b=2; a=1; __Host-e=5");
        assert_eq!(browser.header("/shopping"), "a=1; __Host-e=5");
    }
}
