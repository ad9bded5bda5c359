//! What a handler does with its session.

use super::{bad_cookies, cookie, get, insert, is_dead, s, sign_in, signed_in};
use crate::{Bench, Calls, Step::*};
use serde_json::json;
use waxseal_http::Page;

pub async fn r18_stateless_sessions_keep_the_rules_that_need_no_row(bench: &Bench) {
    let app = bench.stateless_app().await;
    let mut browser = app.browser();
    bench.probe.take_calls();
    browser.run(&[sign_in("ada"), insert("a", 1)]).await;
    assert_eq!(browser.run(&[get("a"), Subject, IsNew]).await, [json!(1), json!("ada"), json!(false)]);
    // R1
    for (why, value) in bad_cookies(bench, &app, browser.cookie.as_deref().unwrap()) {
        assert_eq!(browser.raw(&[cookie(&app, &value)], &[IsNew]).await.results, [true], "{why}");
    }
    // R10: re-issued once per touch interval; R11: an equal value is no change.
    assert_eq!(browser.send(&[get("a"), insert("a", 1)]).await.set_cookies(), [""; 0]);
    bench.advance(60);
    assert_eq!(browser.send(&[get("a")]).await.set_cookies().len(), 1);
    // R3: the ticket's idle expiry decides, for there is no row.
    bench.advance(1799);
    assert!(!is_dead(&browser).await);
    bench.advance(1);
    assert!(is_dead(&browser).await);
    // R12: independent of order; R14: a server error discards.
    let mut browser = app.browser();
    browser.run(&[insert("x", 1), Renew, sign_in("bob")]).await;
    browser.send(&[insert("x", 2), Fail(500)]).await;
    assert_eq!(browser.run(&[get("x"), Subject]).await, [json!(1), json!("bob")]);
    // R17: the data travel in the cookie.
    assert_eq!(browser.send(&[insert("big", "x".repeat(4000))]).await.status, 500);
    // What needs a row says so.
    assert_eq!(browser.send(&[List]).await.status, 500);
    // R13
    assert!(browser.send(&[SignOut]).await.set_cookies()[0].contains("Max-Age=0"));
    assert_eq!(bench.probe.take_calls(), Calls::default());
}

pub async fn discard_forgets_this_requests_changes(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    bench.advance(60);
    bench.probe.take_calls();
    let steps = [get("a"), insert("a", 2), Renew, sign_in("bob"), Destroy, Discard, get("a"), Subject];
    let response = browser.send(&steps).await;
    assert_eq!(response.results[6..], [json!(1), json!("ada")]);
    assert_eq!(response.set_cookies(), [""; 0]);
    assert_eq!(bench.probe.take_calls(), Calls { load: 1, ..Calls::default() });
    browser.run(&[insert("a", 2), Discard, insert("a", 3)]).await;
    assert_eq!(browser.run(&[get("a")]).await, [3]);
}

pub async fn reads_see_the_requests_own_writes(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let steps =
        [insert("b", 2), get("a"), get("b"), Increment(s("b")), get("b"), Take(s("a")), get("a"), Keys, Clear, Keys];
    let results = browser.run(&steps).await;
    assert_eq!(results[1..3], [json!(1), json!(2)]);
    assert_eq!(results[4..8], [json!(3), json!(1), json!(null), json!(["b"])]);
    assert_eq!(results[9], json!([]));
    assert_eq!(browser.run(&[Keys, Subject]).await, [json!([]), json!("ada")], "clear keeps the session");
}

/// Real uses save early: the outcome is seen, and a failing response does not take it back.
pub async fn save_lands_at_once(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = app.browser();
    let response = browser.send(&[sign_in("ada"), insert("a", 1), Save, Id, Fail(500)]).await;
    assert_eq!(response.status, 500);
    assert_eq!(response.set_cookies().len(), 1, "its cookie goes out with the response");
    assert_eq!(browser.run(&[get("a"), Subject]).await, [json!(1), json!("ada")]);
    let results = browser.run(&[insert("a", 2), Save, insert("b", 3), Save, Save, get("b")]).await;
    assert_eq!(
        [&results[1], &results[3], &results[4], &results[5]],
        [&json!("Saved"), &json!("Saved"), &json!("Unchanged"), &json!(3)]
    );
    let results = browser.run(&[Renew, Save, insert("b", 4)]).await;
    assert_eq!(results[1], "Renewed");
    assert_eq!(browser.run(&[get("b")]).await, [4], "changed again under its new secret");
    browser.run(&[Renew, Save, SignOut]).await;
    assert_eq!(bench.probe.store().list_by_subject("ada", bench.now(), Page::first(100)).await.unwrap(), []);
}

pub async fn bad_subjects_and_values_are_refused_with_nothing_lost(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    for subject in ["", " ada", "a\0b", &"x".repeat(256)] {
        assert_eq!(browser.send(&[insert("a", 2), sign_in(subject)]).await.status, 500);
    }
    browser.run(&[insert("text", "many")]).await;
    browser.run(&[SetLabel("ü".repeat(300))]).await;
    let long = "ä".repeat(127);
    browser.run(&[sign_in(&long)]).await;
    assert_eq!(browser.run(&[Subject]).await, [long]);
}
