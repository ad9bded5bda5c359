//! Which responses commit, and which headers they get: rules R14 and R16.

use super::{cookie, get, insert, is_dead, s, sign_in, signed_in};
use crate::{Bench, Step, Step::*};
use http::HeaderMap;
use http::StatusCode;
use http::header;
use serde_json::json;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use waxseal_http::CommitPolicy;

/// What a `save` that was given up still lands, the response tells: else the old cookie is dead and the new one never sent.
pub async fn r14_a_save_that_was_given_up_is_told(bench: &Bench) {
    let app = bench.app().await;
    let browser = signed_in(&app, "ada").await;
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, cookie(&app, browser.cookie.as_deref().unwrap().as_bytes()));
    let session = app.sessions.open(&headers);
    session.subject().await.unwrap();
    session.renew();
    {
        // Begun, and dropped: whether it has landed by then or not.
        let mut save = pin!(session.save());
        let _landed = poll_fn(|cx| Poll::Ready(save.as_mut().poll(cx).is_ready())).await;
    }
    let mut response = HeaderMap::new();
    let _ = app.sessions.commit(&session, StatusCode::GATEWAY_TIMEOUT, &mut response).await.unwrap();
    let renewed = response.contains_key(header::SET_COOKIE);
    let old_is_good = browser.peek(&[Subject]).await.results == [json!("ada")];
    assert_ne!(renewed, old_is_good, "either the new cookie was sent or the old one is good");
}

/// Elsewhere a renewal and then a 500 logs the user out.
pub async fn r14_a_server_error_discards_all_but_a_sign_out(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    // 408 is what a middleware answers for a handler that it has given up half-way.
    for failing in [Status(500), Fail(500), Fail(503), Status(408), Fail(408)] {
        for steps in [vec![insert("a", 2)], vec![sign_in("bob")], vec![Renew, Increment(s("a"))]] {
            let steps: Vec<Step> = steps.into_iter().chain([failing.clone()]).collect();
            let response = browser.send(&steps).await;
            assert!(response.status.is_server_error() || response.status == 408, "{steps:?}");
            assert_eq!(response.set_cookies(), [""; 0], "{steps:?}");
            assert_eq!(browser.run(&[get("a"), Subject]).await, [json!(1), json!("ada")], "{steps:?}");
        }
    }
    let old = browser.clone();
    let response = browser.send(&[SignOut, Fail(500)]).await;
    assert_eq!(response.status, 500);
    assert!(response.set_cookies()[0].contains("Max-Age=0"));
    assert!(is_dead(&old).await);
}

/// in Poem changes vanish when the endpoint returns `Err`, even a redirect.
pub async fn r14_every_other_status_commits_also_an_err(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    for (n, failing) in [Status(303), Fail(303), Status(404), Fail(404), Fail(401), Status(422)].into_iter().enumerate()
    {
        let status = match failing {
            Status(status) | Fail(status) => status,
            _ => unreachable!(),
        };
        let response = browser.send(&[insert("n", n), Renew, failing]).await;
        assert_eq!(response.status, status);
        assert_eq!(response.set_cookies().len(), 1);
        assert_eq!(browser.run(&[get("n")]).await, [n]);
    }
}

pub async fn r14_the_policy_can_be_to_commit_always(bench: &Bench) {
    let app = bench.app_with(|builder| builder.commit_policy(CommitPolicy::Always)).await;
    let mut browser = signed_in(&app, "ada").await;
    assert_eq!(browser.send(&[insert("a", 2), Fail(500)]).await.status, 500);
    assert_eq!(browser.run(&[get("a")]).await, [2]);
}

pub async fn r16_headers_go_with_the_session(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = app.browser();
    let has = |response: &crate::Response, name: &str| {
        response.headers.get(name).map(|value| value.to_str().unwrap().to_owned())
    };
    let plain = browser.send(&[]).await;
    assert_eq!((has(&plain, "vary"), has(&plain, "set-cookie"), has(&plain, "cache-control")), (None, None, None));
    let read = browser.send(&[get("a")]).await;
    assert_eq!(
        (has(&read, "vary"), has(&read, "set-cookie"), has(&read, "cache-control")),
        (Some(s("Cookie")), None, None)
    );
    let written = browser.send(&[insert("a", 1)]).await;
    assert_eq!(has(&written, "vary"), Some(s("Cookie")));
    assert_eq!(has(&written, "cache-control"), Some(s("no-store")));
    let set = has(&written, "set-cookie").unwrap();
    assert!(set.starts_with("__Host-session="), "{set}");
    for flag in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/", "; Max-Age=28800"] {
        assert!(set.contains(flag), "{set}");
    }
    assert!(!set.contains("Domain"));
    let changed = browser.send(&[insert("a", 2)]).await;
    let sent = has(&changed, "set-cookie").is_some();
    assert_eq!(sent, !bench.probe.store_is_never_behind(), "only when the cookie changes, or answers may be old");
    let failed = browser.send(&[get("a"), Fail(404)]).await;
    assert_eq!(has(&failed, "vary"), Some(s("Cookie")));
}

/// Found in use: behind a stock Apache mod_cache the second visitor of a page that said `public` got the first one's session.
pub async fn r16_no_shared_cache_keeps_a_session_cookie(bench: &Bench) {
    let app = bench.app().await;
    let header = |name: &str, value: &str| Header(s(name), s(value));
    type Case = (&'static [(&'static str, &'static str)], &'static [&'static str]);
    let table: [Case; 9] = [
        (&[("cache-control", "public, max-age=3600")], &["no-store"]),
        (&[("cache-control", "max-age=3600"), ("cache-control", "immutable")], &["no-store"]),
        (&[("cache-control", "private=\"set-cookie\", must-revalidate")], &["no-store"]),
        (&[("cache-control", "no-cache=\"Set-Cookie\"")], &["no-store"]),
        (&[("expires", "Wed, 21 Oct 2099 07:28:00 GMT")], &["no-store"]),
        (&[("cdn-cache-control", "max-age=60"), ("surrogate-control", "max-age=60")], &["no-store"]),
        (
            &[("cache-control", "private, max-age=60"), ("cloudflare-cdn-cache-control", "public")],
            &["private, max-age=60"],
        ),
        (&[("cache-control", "no-cache"), ("cache-control", "private")], &["no-cache", "private"]),
        (&[("cache-control", "no-store")], &["no-store"]),
    ];
    for (lines, expected) in table {
        for status in [200, 203, 301, 304, 404, 410] {
            let steps = lines.iter().map(|(name, value)| header(name, value)).chain([insert("a", 1), Status(status)]);
            let response = app.browser().send(&steps.collect::<Vec<_>>()).await;
            assert_eq!((response.status.as_u16(), response.set_cookies().len()), (status, 1));
            let said: Vec<_> = response.headers.get_all(header::CACHE_CONTROL).iter().collect();
            assert_eq!(said, expected, "{lines:?} at {status}");
            for name in ["expires", "surrogate-control", "cdn-cache-control", "cloudflare-cdn-cache-control"] {
                assert!(!response.headers.contains_key(name), "{lines:?} at {status}");
            }
        }
    }
    // Without a cookie of ours the handler's word counts.
    let read = app.browser().send(&[get("a"), header("cache-control", "public")]).await;
    assert_eq!(read.headers[header::CACHE_CONTROL], "public");
}

pub async fn r16_claims_travel_when_they_change(bench: &Bench) {
    let app = bench.app_with(|builder| builder.claims(["role"])).await;
    let mut browser = app.browser();
    browser.run(&[sign_in("ada"), insert("role", "user"), insert("secret", 1)]).await;
    assert_eq!(browser.run(&[TicketClaims, TicketSubject]).await, [json!({ "role": "user" }), json!("ada")]);
    let sent = browser.send(&[insert("secret", 2)]).await.set_cookies().len();
    assert_eq!(sent, usize::from(!bench.probe.store_is_never_behind()));
    assert_eq!(browser.send(&[insert("role", "admin")]).await.set_cookies().len(), 1);
    assert_eq!(browser.run(&[TicketClaims]).await, [json!({ "role": "admin" })]);
}

/// Privileges commit only where the response is no error; data as before.
pub async fn r14_a_sign_in_commits_only_below_400(bench: &Bench) {
    let app = bench.app().await;
    for status in [400, 401, 403, 404, 422] {
        let mut browser = app.browser();
        assert_eq!(browser.send(&[sign_in("ada"), insert("tries", 1), Status(status)]).await.status, status);
        assert_eq!(browser.run(&[Subject, get("tries")]).await, [json!(null), json!(1)], "{status}");
    }
    for status in [200, 201, 302, 303] {
        let mut browser = app.browser();
        browser.send(&[sign_in("ada"), Status(status)]).await;
        assert_eq!(browser.run(&[Subject]).await, [json!("ada")], "{status}");
    }
    let always = bench.app_with(|builder| builder.commit_policy(CommitPolicy::Always)).await;
    let mut browser = always.browser();
    browser.send(&[sign_in("ada"), Status(403)]).await;
    assert_eq!(browser.run(&[Subject]).await, [json!("ada")]);
}
