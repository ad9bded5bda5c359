//! What has ended stays ended: rule R7.

use super::{cookie, get, insert, is_dead, s, sign_in, signed_in};
use crate::{Bench, Browser, Step, Step::*};
use serde_json::json;
use std::time::Duration;
use waxseal_http::Page;
use waxseal_http::Which;

/// Elsewhere a save after a logout brings the session back. Returns what the late request got.
async fn late_write(bench: &Bench, end: impl AsyncFnOnce(&mut Browser), late: &[Step]) -> (crate::Response, Browser) {
    late_request(bench, end, &[&[get("a"), Pause(s("late"))], late].concat()).await
}

async fn late_request(
    bench: &Bench,
    end: impl AsyncFnOnce(&mut Browser),
    steps: &[Step],
) -> (crate::Response, Browser) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let steps = steps.to_vec();
    let request = {
        let browser = browser.clone();
        tokio::spawn(async move { browser.peek(&steps).await })
    };
    app.gates.reached("late", 1).await;
    let before = browser.clone();
    end(&mut browser).await;
    app.gates.release("late", 1);
    let response = request.await.unwrap();
    assert!(is_dead(&before).await, "it was not brought back");
    (response, browser)
}

pub async fn r07_a_save_after_a_sign_out_does_not_bring_the_session_back(bench: &Bench) {
    for late in [vec![insert("b", 2)], vec![Increment(s("a"))], vec![Renew], vec![SetLabel(s("x"))]] {
        let (response, _) = late_write(bench, async |browser| drop(browser.run(&[SignOut]).await), &late).await;
        assert_eq!((response.status.as_u16(), response.set_cookies()), (200, vec![]));
        assert_eq!(bench.probe.store().list_by_subject("ada", bench.now(), Page::first(100)).await.unwrap(), []);
    }
    let (response, _) =
        late_write(bench, async |browser| drop(browser.run(&[SignOut]).await), &[insert("b", 2), Save, get("b")]).await;
    assert_eq!(response.results[3..], [json!("Gone"), json!(null)], "a typed outcome");
}

/// Found in review: a request that had not read the session yet made a new one, whose cookie replaced that of a parallel sign-in,
/// and whose data the next user of the browser found.
pub async fn r07_an_unread_write_does_not_outlive_the_session_either(bench: &Bench) {
    for late in [vec![insert("draft", "dear diary")], vec![Increment(s("a"))], vec![SetLabel(s("x")), insert("b", 1)]] {
        for end in [SignOut, sign_in("bob"), Renew] {
            let steps = [&[Pause(s("late"))], late.as_slice(), &[Save]].concat();
            let ends = [end.clone()];
            let (response, mut browser) =
                late_request(bench, async |browser| drop(browser.run(&ends).await), &steps).await;
            assert_eq!(response.results.last(), Some(&json!("Gone")), "{late:?} after {end:?}");
            assert_eq!(response.set_cookies(), [""; 0], "{late:?} after {end:?}");
            assert_eq!(browser.run(&[get("draft")]).await, [json!(null)]);
        }
    }
    // The same where another device ended it.
    let steps = [Pause(s("late")), insert("draft", 1), Save];
    let end = async |_: &mut Browser| {
        let ended = bench.probe.store().delete_by_subject("ada", Which::All, bench.now()).await.unwrap();
        assert!(ended >= 1);
    };
    assert_eq!(late_request(bench, end, &steps).await.0.results[2], "Gone");
}

/// What the browser sends once it must have known of the end starts a new session: a visitor is a visitor.
pub async fn r07_a_write_long_after_the_end_starts_a_new_session(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    bench.probe.store().delete_by_subject("ada", Which::All, bench.now()).await.unwrap();
    bench.advance(9);
    assert_eq!(browser.run(&[insert("b", 1), Save]).await[1], "Gone", "it may have been sent before");
    bench.advance(1);
    assert_eq!(browser.run(&[insert("b", 1), Save]).await[1], "Created");
    assert_eq!(browser.run(&[get("a"), get("b"), Subject]).await, [json!(null), json!(1), json!(null)]);
}

pub async fn r07_a_save_after_a_renewal_changes_neither_session(bench: &Bench) {
    let (response, mut browser) =
        late_write(bench, async |browser| drop(browser.run(&[Renew]).await), &[insert("a", 666)]).await;
    assert_eq!(response.set_cookies(), [""; 0]);
    assert_eq!(browser.run(&[get("a")]).await, [1]);
}

pub async fn r07_a_save_after_the_expiry_does_not_bring_the_session_back(bench: &Bench) {
    let (response, _) = late_write(bench, async |_| bench.advance(1800), &[insert("b", 2), Save]).await;
    assert_eq!(response.results[3], "Gone");
}

pub async fn r07_a_late_sign_in_starts_afresh_without_the_old_data(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let mut late = browser.clone();
    let request = tokio::spawn(async move {
        late.run(&[get("a"), Pause(s("late")), sign_in("ada"), insert("b", 2)]).await;
        late
    });
    app.gates.reached("late", 1).await;
    browser.run(&[SignOut]).await;
    app.gates.release("late", 1);
    let mut late = request.await.unwrap();
    assert_eq!(late.run(&[Subject, get("a"), get("b")]).await, [json!("ada"), json!(null), json!(2)]);
}

/// Seen: what was recorded after a sign-out was lost without a word.
pub async fn r07_what_follows_a_sign_out_is_a_new_sessions(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let old = browser.clone();
    let results =
        browser.run(&[insert("late", 1), SignOut, insert("flash", "bye"), get("a"), get("flash"), Subject]).await;
    assert_eq!(results[3..], [json!(null), json!("bye"), json!(null)]);
    assert!(is_dead(&old).await);
    let kept = [get("flash"), get("late"), get("a"), Subject];
    assert_eq!(browser.run(&kept).await, [json!("bye"), json!(null), json!(null), json!(null)]);

    let mut browser = signed_in(&app, "ada").await;
    let old = browser.clone();
    browser.run(&[SignOut, sign_in("bob"), insert("b", 2)]).await;
    assert!(is_dead(&old).await);
    assert_eq!(browser.run(&[get("a"), get("b"), Subject]).await, [json!(null), json!(2), json!("bob")]);

    let mut browser = signed_in(&app, "ada").await;
    let old = browser.clone();
    let response = browser.send(&[SignOut, insert("flash", "bye"), Fail(500)]).await;
    assert!(response.set_cookies()[0].contains("Max-Age=0"), "the end commits, what follows does not");
    assert!(is_dead(&old).await);
}

/// A sign-in whose password was checked before all sessions of its user were ended does not survive.
pub async fn r20_a_sign_in_that_was_overtaken_by_a_revocation_is_refused(bench: &Bench) {
    let app = bench.app().await;
    let mut device = signed_in(&app, "ada").await;
    let late = tokio::spawn({
        let browser = app.browser();
        async move { browser.peek(&[Pause("checked".into()), sign_in("ada")]).await }
    });
    app.gates.reached("checked", 1).await;
    bench.advance_ms(1);
    assert_eq!(app.sessions.revoke_all("ada").await.unwrap(), 1);
    app.gates.release("checked", 1);
    let response = late.await.unwrap();
    assert_eq!((response.status.as_u16(), response.set_cookies().len()), (401, 0));
    assert!(app.sessions.list("ada").await.unwrap().is_empty());
    assert!(is_dead(&device).await);
    bench.advance_ms(1);
    device.run(&[sign_in("ada")]).await;
    assert_eq!(device.run(&[Subject]).await, [json!("ada")], "signed in again");
    let results = device.run(&[sign_in("ada"), RevokeOthers]).await;
    assert_eq!(results[1], 0, "a request's own sign-in comes before the end that it asks for");
    assert_eq!(device.run(&[Subject]).await, [json!("ada")]);
}

/// Seen: a request that ended the user's other sessions and then signed in was refused, and its own session was gone. It is refused
/// still, for its own end cannot be told from another request's of the same moment; but its session goes on.
pub async fn r20_a_request_that_ends_the_others_first_keeps_its_session(bench: &Bench) {
    let app = bench.app().await;
    let other = signed_in(&app, "ada").await;
    let mut browser = signed_in(&app, "ada").await;
    bench.advance_ms(1);
    let response = browser.send(&[RevokeOthers, sign_in("ada")]).await;
    assert_eq!((response.status.as_u16(), response.set_cookies().len()), (401, 0));
    assert_eq!(browser.run(&[get("a"), Subject]).await, [json!(1), json!("ada")]);
    assert!(is_dead(&other).await);
}

/// A sign-in that is refused takes nothing with it: the session that the browser has goes on.
pub async fn r20_a_refused_sign_in_leaves_the_present_session(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let late = tokio::spawn({
        let browser = browser.clone();
        async move { browser.peek(&[Pause("checked".into()), sign_in("bob")]).await }
    });
    app.gates.reached("checked", 1).await;
    bench.advance_ms(1);
    app.sessions.revoke_all("bob").await.unwrap();
    app.gates.release("checked", 1);
    let response = late.await.unwrap();
    assert_eq!((response.status.as_u16(), response.set_cookies().len()), (401, 0));
    assert_eq!(browser.run(&[get("a"), Subject]).await, [json!(1), json!("ada")]);
}

/// The client of the request that changed the password has gone.
pub async fn r20_a_revocation_takes_effect_though_its_request_is_cancelled(bench: &Bench) {
    let app = bench.app().await;
    let [all, own] = [signed_in(&app, "ada").await, signed_in(&app, "bob").await];
    let other = signed_in(&app, "bob").await;
    let id = other.peek(&[Id]).await.results[0].as_str().unwrap().parse().unwrap();
    let cookie = cookie(&app, own.cookie.as_deref().unwrap().as_bytes());
    let headers = [(http::header::COOKIE, cookie)].into_iter().collect();
    let session = app.sessions.open(&headers);
    assert_eq!(session.subject().await.unwrap().as_deref(), Some("bob"));
    bench.probe.set_hanging_ends(true);
    let moment = Duration::from_millis(50);
    assert!(tokio::time::timeout(moment, app.sessions.revoke_all("ada")).await.is_err());
    assert!(tokio::time::timeout(moment, session.revoke(id)).await.is_err());
    bench.probe.set_hanging_ends(false);
    for browser in [all, other] {
        let from = std::time::Instant::now();
        while !is_dead(&browser).await {
            assert!(from.elapsed() < Duration::from_secs(5), "it was cut off");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    assert!(!is_dead(&own).await);
}

/// What may be done twice is done again: a sign-out does not depend on one answer.
pub async fn r20_a_sign_out_whose_answer_is_lost_is_repeated(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let copy = browser.clone();
    bench.probe.lose_answers_of_ends(2);
    assert_eq!(browser.send(&[SignOut]).await.status, 200);
    assert!(is_dead(&copy).await);
    let app = bench.app_with(|builder| builder.max_wait(Duration::from_millis(300))).await;
    let browser = signed_in(&app, "ada").await;
    bench.probe.lose_answers_of_ends(100);
    let failed = browser.peek(&[SignOut]).await;
    assert_eq!((failed.status.as_u16(), failed.set_cookies().len()), (503, 0), "nobody is told what is not known");
    bench.probe.lose_answers_of_ends(0);
    assert_eq!(browser.peek(&[SignOut]).await.status, 200);
}
