//! What a request's cookies are worth: rules R1, R2, R4 and R13.

use super::{bad_cookies, browser_results, cookie, get, insert, s, sealed, sign_in, signed_in, ticket_at};
use crate::{Bench, Calls, Step::*};
use http::HeaderValue;
use http::header;
use serde_json::Value as Json;
use serde_json::json;
use waxseal_http::Page;

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

/// tower-sessions and axum_session adopt or store what a client made up.
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

/// Found in review: what was recorded after the sign-out had landed dropped the removal, and stateless sessions lived on.
pub async fn r13_a_removal_is_sent_whatever_is_recorded_after_it(bench: &Bench) {
    for app in [bench.app().await, bench.stateless_app().await] {
        let mut browser = signed_in(&app, "ada").await;
        let response = browser.send(&[SignOut, Save, insert("flash", "bye"), SetLabel(s("x"))]).await;
        assert!(response.set_cookies()[0].contains("Max-Age=0"), "{:?}", response.set_cookies());
        assert_eq!(browser.cookie, None);
    }
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
