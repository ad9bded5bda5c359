//! What a request's cookies are worth: rules R1, R2, R4 and R13.

use super::{bad_cookies, browser_results, cookie, get, insert, is_dead, s, sealed, sign_in, signed_in, ticket_at};
use crate::{Bench, Browser, Calls, Step::*};
use http::HeaderValue;
use http::header;
use serde_json::Value as Json;
use serde_json::json;
use waxseal_http::{CookieOptions, Page, SessionsBuilder};

pub async fn r01_a_bad_cookie_is_an_empty_session_without_a_database_call(bench: &Bench) {
    let app = bench.app().await;
    let browser = signed_in(&app, "ada").await;
    let good = browser.cookie.clone().unwrap();
    bench.probe.take_calls();
    let absent = browser.raw(&[], &[get("a"), IsNew, Subject]).await;
    assert_eq!(absent.results, [json!(null), json!(true), json!(null)]);
    for (why, value) in bad_cookies(bench, &app, &good) {
        let response = browser.raw(&[cookie(&app, &value)], &[get("a"), IsNew, Subject]).await;
        assert_eq!(response.results, absent.results, "{why}");
        assert_eq!(response.set_cookies(), [""; 0], "{why}");
    }
    assert_eq!(bench.probe.take_calls(), Calls::default());
}

pub async fn r01_of_several_cookies_the_first_few_are_tried(bench: &Bench) {
    let app = bench.app().await;
    let browser = signed_in(&app, "ada").await;
    let good = cookie(&app, browser.cookie.as_deref().unwrap().as_bytes());
    let bad = cookie(&app, b"planted");
    let spoiled = HeaderValue::from_bytes(b"x=\xff; other=\"1\"").unwrap();
    let tossed = [spoiled, bad.clone(), bad.clone(), good.clone()];
    assert_eq!(browser.raw(&tossed, &[get("a")]).await.results, [1]);
    let one_line = HeaderValue::from_bytes(&[bad.as_bytes(), b"; ", good.as_bytes()].concat()).unwrap();
    assert_eq!(browser.raw(&[one_line], &[get("a")]).await.results, [1]);
    let flood = |count| std::iter::repeat_n(bad.clone(), count).chain([good.clone()]).collect::<Vec<_>>();
    assert_eq!(browser.raw(&flood(63), &[get("a")]).await.results, [1], "what is planted does not crowd it out");
    assert_eq!(browser.raw(&flood(64), &[IsNew]).await.results, [true]);
}

/// A sign-in ends the other sessions that the request presents: somebody may have planted them.
pub async fn r01_a_sign_in_ends_the_other_presented_sessions(bench: &Bench) {
    let app = bench.app().await;
    let (mine, planted) = (signed_in(&app, "ada").await, signed_in(&app, "mallory").await);
    let cookies = [&planted, &mine].map(|browser| cookie(&app, browser.cookie.as_deref().unwrap().as_bytes()));
    assert_eq!(mine.raw(&cookies, &[sign_in("ada")]).await.status, 200);
    assert_eq!(planted.peek(&[Subject]).await.results, [Json::Null]);
    assert_eq!(mine.peek(&[Subject]).await.results, [Json::Null], "renewed");
}

/// Elsewhere: tower-sessions and axum_session adopt or store what a client made up.
pub async fn r02_an_id_that_was_not_issued_is_never_adopted(bench: &Bench) {
    let app = bench.app().await;
    // Authentic, but no row was ever made for it: what a thief of the keys, or of an old cookie, could present.
    let ticket = ticket_at(&app, bench.now());
    let mut browser = app.browser();
    browser.cookie = Some(sealed(&app.keyring, &app, &ticket));
    assert_eq!(browser.peek(&[IsNew, Subject]).await.results, [json!(true), json!(null)]);
    for steps in [[insert("a", 1), Save], [sign_in("mallory"), Save], [Renew, insert("b", 1)]] {
        let mut browser = browser.clone();
        browser.run(&steps).await;
        assert_ne!(browser.ticket(bench.now()).row_id(), ticket.row_id());
        assert!(bench.row(&ticket.row_id().to_string()).await.is_none());
    }
    bench.probe.take_calls();
    let response = browser.raw(&[cookie(&app, b"ATTACKER")], &[Clear, Remove(s("a")), Renew]).await;
    assert_eq!(response.set_cookies(), [""; 0]);
    assert_eq!(bench.probe.take_calls(), Calls::default(), "nothing was written, so there is no row");
}

/// Found in review: a dead cookie in front of a live one hid it, and a sign-out left the others alive.
pub async fn r01_of_several_authentic_cookies_the_live_one_counts(bench: &Bench) {
    let app = bench.app().await;
    let mut dead = signed_in(&app, "ada").await;
    let first = cookie(&app, dead.cookie.as_deref().unwrap().as_bytes());
    dead.run(&[SignOut]).await;
    let live = signed_in(&app, "ada").await;
    let other = signed_in(&app, "ada").await;
    let [live, other] = [live, other].map(|browser| cookie(&app, browser.cookie.as_deref().unwrap().as_bytes()));
    let all = [first, live.clone(), other.clone()];
    assert_eq!(browser_results(&app, &all, &[Subject, insert("b", 2), Save]).await[2], "Saved");
    assert_eq!(browser_results(&app, &[live], &[get("b")]).await, [2]);
    let response = app.browser().raw(&all, &[SignOut]).await;
    assert!(response.set_cookies()[0].contains("Max-Age=0"));
    assert_eq!(bench.probe.store().list_by_subject("ada", bench.now(), Page::first(100)).await.unwrap(), []);
}

pub async fn r04_refusals_look_the_same(bench: &Bench) {
    let app = bench.app().await;
    let browser = signed_in(&app, "ada").await;
    let seen = |response: crate::Response| {
        let mut headers = response.headers;
        headers.remove(header::DATE);
        (response.status, headers, response.body)
    };
    let absent = seen(browser.raw(&[], &[get("a"), Subject]).await);
    for (why, value) in bad_cookies(bench, &app, browser.cookie.as_deref().unwrap()) {
        assert_eq!(seen(browser.raw(&[cookie(&app, &value)], &[get("a"), Subject]).await), absent, "{why}");
    }
}

/// removal cookies without Path and Domain do not remove.
pub async fn r13_the_removal_is_the_cookie_with_its_flags(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = app.browser();
    let set = browser.send(&[insert("a", 1)]).await;
    let removal = browser.send(&[SignOut]).await;
    let flags = |cookie: &str| {
        let (_, attributes) = cookie.split_once(';').unwrap();
        let kept = attributes.split("; ").filter(|flag| !flag.starts_with("Max-Age") && !flag.starts_with("Expires"));
        kept.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(flags(set.set_cookies()[0]), flags(removal.set_cookies()[0]));
    assert!(removal.set_cookies()[0].starts_with("__Host-session=;"));
    assert!(removal.set_cookies()[0].contains("Max-Age=0"));
}

/// A removal is lost by nothing that makes no new session.
pub async fn r13_a_removal_is_sent_whatever_is_recorded_after_it(bench: &Bench) {
    for app in [bench.app().await, bench.stateless_app().await] {
        let mut browser = signed_in(&app, "ada").await;
        let response = browser.send(&[SignOut, Save, Renew, SetLabel(s("x")), Clear]).await;
        assert!(response.set_cookies()[0].contains("Max-Age=0"), "{:?}", response.set_cookies());
        assert_eq!(browser.cookie, None);
    }
}

/// Seen: four planted cookies, even dead ones, hid the real one, and sign-out then left the real session alive.
pub async fn r01_all_authentic_cookies_count(bench: &Bench) {
    let app = bench.app().await;
    let mut cookies = Vec::new();
    for n in 0..6 {
        let mut planted = signed_in(&app, "mallory").await;
        cookies.push(cookie(&app, planted.cookie.clone().unwrap().as_bytes()));
        if n % 2 == 0 {
            planted.run(&[SignOut]).await;
        }
    }
    let real = signed_in(&app, "ada").await;
    let own = cookie(&app, real.cookie.clone().unwrap().as_bytes());
    let dead_first = [cookies[0].clone(), cookies[2].clone(), cookies[4].clone(), own.clone()];
    bench.probe.take_calls();
    assert_eq!(real.raw(&dead_first, &[Subject]).await.results, [json!("ada")]);
    assert_eq!(bench.probe.take_calls().load, 1, "their rows come in one statement");
    cookies.push(own);
    let response = real.raw(&cookies, &[SignOut]).await;
    assert!(response.set_cookies()[0].contains("Max-Age=0"));
    assert_eq!(bench.probe.take_calls().delete, 1, "and end in one");
    assert!(is_dead(&real).await);
    assert_eq!(bench.probe.store().list_by_subject("mallory", bench.now(), Page::first(100)).await.unwrap(), []);
}

/// A rename of the cookie signs nobody out.
pub async fn r25_cookies_under_former_names_still_open(bench: &Bench) {
    let named = |name: &'static str| move |builder: SessionsBuilder| builder.cookie(CookieOptions::new().name(name));
    let before = bench.app_with(named("__Host-old")).await;
    let after = bench.app_with(|builder| named("__Host-new")(builder).cookie_aliases(["__Host-old"])).await;
    let old = signed_in(&before, "ada").await;
    let under_old_name = |browser: &Browser| {
        HeaderValue::try_from(format!("__Host-old={}", browser.cookie.as_deref().unwrap())).unwrap()
    };
    let response = after.browser().raw(&[under_old_name(&old)], &[get("a"), Subject]).await;
    assert_eq!(response.results, [json!(1), json!("ada")]);
    let cookies = response.set_cookies();
    assert!(
        cookies.iter().any(|cookie| cookie.starts_with("__Host-old=;")),
        "the former cookie is removed: {cookies:?}"
    );
    let new = cookies.iter().find_map(|cookie| cookie.strip_prefix("__Host-new=")).expect("issued under the new name");
    let mut browser = after.browser();
    browser.cookie = Some(new.split(';').next().unwrap().to_owned());
    assert_eq!(browser.run(&[get("a"), Subject]).await, [json!(1), json!("ada")]);

    let response = after.browser().raw(&[under_old_name(&old)], &[SignOut]).await;
    let removed = |name: &str| response.set_cookies().iter().any(|cookie| cookie.starts_with(name));
    assert!(removed("__Host-old=;") && removed("__Host-new=;"));
    assert!(is_dead(&browser).await);
}

pub async fn r13_a_dead_cookie_is_ignored_not_removed(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let dead = browser.clone();
    browser.run(&[SignOut]).await;
    let response = dead.peek(&[get("a"), Subject]).await;
    assert_eq!(response.set_cookies(), [""; 0], "it could delete what a parallel sign-in has just set");
    assert_eq!(app.browser().send(&[SignOut]).await.set_cookies(), [""; 0], "nothing was presented, nothing to remove");
}
