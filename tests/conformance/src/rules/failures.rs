//! What a failing store does: rule R9.

use super::{get, insert, is_dead, sign_in, signed_in};
use crate::{Bench, PAGES, Response, Step::*};
use serde_json::json;
use std::time::{Duration, Instant};

/// Elsewhere a read error is an empty session, or wipes the row.
pub async fn r09_a_failing_store_is_503_never_a_logout(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    bench.probe.set_down(true);
    for steps in [
        vec![get("a")],
        vec![Subject],
        vec![insert("a", 2)],
        vec![sign_in("bob")],
        vec![Renew],
        vec![SignOut],
        vec![insert("a", 2), Save],
    ] {
        let response = browser.send(&steps).await;
        assert_eq!(response.status, 503, "{steps:?}");
        assert_eq!(response.set_cookies(), [""; 0], "{steps:?}");
        let body = String::from_utf8(response.body).unwrap();
        assert!(!body.contains("database"), "no detail for clients: {body}");
    }
    let mut stranger = app.browser();
    assert_eq!(stranger.send(&[insert("a", 1)]).await.status, 503);
    assert_eq!(stranger.cookie, None);
    bench.probe.set_down(false);
    assert_eq!(browser.run(&[get("a"), Subject]).await, [json!(1), json!("ada")]);
}

/// In Poem `Option<SignedIn>` was `None` while the store was down, for Poem drops the errors of what is optional.
pub async fn r09_no_extractor_takes_a_failing_store_for_nobody(bench: &Bench) {
    let app = bench.app().await;
    let (browser, stranger) = (signed_in(&app, "ada").await, app.browser());
    for path in PAGES {
        bench.probe.set_down(true);
        let response = browser.visit(path).await;
        bench.probe.set_down(false);
        let Some(response) = response else { return };
        assert_eq!((response.status.as_u16(), response.set_cookies()), (503, vec![]), "{path}");
        let nobody = stranger.visit(path).await.unwrap();
        let guarded = path == "/signed-in" || path == "/end-adas";
        assert_eq!(nobody.status, if guarded { 401 } else { 200 }, "{path}");
        assert!(guarded || nobody.body == b"nobody", "{path}");
        let known = browser.visit(path).await.unwrap();
        let expected: &[u8] = if path == "/end-adas" { b"1" } else { b"ada" };
        assert_eq!((known.status.as_u16(), known.body.as_slice()), (200, expected), "{path}");
    }
    assert!(is_dead(&browser).await);
}

/// In Salvo a handler's cookies are not among the response's headers, and went out beside the 503.
pub async fn r09_a_failed_commit_carries_nothing_of_the_handlers(bench: &Bench) {
    let app = bench.app().await;
    let browser = signed_in(&app, "ada").await;
    let claims = [Cookie("basket".into()), Header("x-claim".into(), "saved".into()), Status(201)];
    let large = insert("large", "x".repeat(70_000));
    for (status, down, write) in [(503, true, insert("a", 2)), (503, true, sign_in("bob")), (500, false, large)] {
        bench.probe.set_down(down);
        let response = browser.peek(&[&[write], &claims[..]].concat()).await;
        bench.probe.set_down(false);
        assert_eq!(response.status, status);
        assert_eq!(response.set_cookies(), [""; 0]);
        assert!(!response.headers.contains_key("x-claim"));
        assert_eq!(response.results, [(); 0].map(|()| json!(null)));
    }
    let response = browser.peek(&[&[insert("a", 2)], &claims[..]].concat()).await;
    // Where answers may be old, the session's cookie is issued again with every save.
    let own = if bench.probe.store_is_never_behind() { 1 } else { 2 };
    assert_eq!((response.status.as_u16(), response.set_cookies().len()), (201, own));
    assert_eq!(response.set_cookies()[0], "basket=own");
    assert_eq!(response.headers["x-claim"], "saved");
}

/// A page says what the application wants, of an extractor's failure and of a failed save alike; status and session are as without it.
pub async fn r09_the_application_chooses_the_page_of_a_failure(bench: &Bench) {
    let Some(app) = bench.app_with_own_pages().await else { return };
    let browser = signed_in(&app, "ada").await;
    let is_own = |response: &Response, status: u16, path: &str| {
        assert_eq!(response.status, status, "{path}");
        assert_eq!(String::from_utf8_lossy(&response.body), format!("own page: {status} POST {path}"));
        assert_eq!(response.headers["retry-after"], "7");
        assert_eq!(response.headers["cache-control"], "no-store");
    };
    for path in PAGES {
        bench.probe.set_down(true);
        let response = browser.visit(path).await.unwrap();
        bench.probe.set_down(false);
        is_own(&response, 503, path);
        assert_eq!(response.set_cookies(), [""; 0], "{path}");
    }
    let claims = [Cookie("basket".into()), Header("x-claim".into(), "saved".into()), Status(201)];
    for (status, down, step) in [
        (503, true, get("a")),
        (503, true, insert("a", 2)),
        (503, true, sign_in("bob")),
        (500, false, insert("large", "x".repeat(70_000))),
        (500, false, sign_in("")),
    ] {
        bench.probe.set_down(down);
        let response = browser.peek(&[&[step], &claims[..]].concat()).await;
        bench.probe.set_down(false);
        is_own(&response, status, "/");
        assert_eq!(response.set_cookies(), [""; 0]);
        assert!(!response.headers.contains_key("x-claim"));
    }
    let nobody = app.browser().visit("/signed-in").await.unwrap();
    assert_eq!((nobody.status.as_u16(), &nobody.headers["location"]), (303, &"/sign-in".parse().unwrap()));
    // What the framework fails with for other reasons is not the session layer's.
    assert_eq!(browser.peek(&[get("a"), Fail(500)]).await.headers.get("retry-after"), None);
    assert_eq!(browser.peek(&[get("a"), Subject]).await.results, [json!(1), json!("ada")]);
    // A sign-out counts, and its cookie is removed, though the handler fails afterwards.
    let signed_out = browser.peek(&[SignOut, sign_in("")]).await;
    is_own(&signed_out, 500, "/");
    assert_eq!(signed_out.set_cookies().len(), 1);
    assert!(is_dead(&browser).await);
}

pub async fn r09_a_failing_touch_fails_nothing(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    bench.advance(100);
    bench.probe.set_touches_fail(true);
    let response = browser.send(&[get("a")]).await;
    assert_eq!((response.status.as_u16(), response.set_cookies()), (200, vec![]));
    bench.probe.set_touches_fail(false);
    assert_eq!(browser.send(&[get("a")]).await.set_cookies().len(), 1, "the next one touches");
}

/// Found in review: a rotation whose COMMIT was answered by silence was taken for failed, and the user was signed out.
pub async fn r09_a_lost_answer_is_not_a_lost_session(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    bench.probe.set_answers_lost(true);
    assert_eq!(browser.run(&[Renew, insert("a", 2), Save]).await[2], "Renewed");
    let mut other = app.browser();
    other.run(&[sign_in("bob")]).await;
    bench.probe.set_answers_lost(false);
    assert_eq!(browser.run(&[get("a"), Subject]).await, [json!(2), json!("ada")]);
    assert_eq!(other.run(&[Subject]).await, ["bob"]);
}

/// Found in review: the sign-in had landed and the old session had ended, and a load after it failed: 503, and nobody had a cookie.
pub async fn r09_a_load_that_fails_after_a_sign_in_is_repeated(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = app.browser();
    browser.run(&[insert("cart", 1)]).await;
    bench.probe.fail_loads_after_write(2);
    browser.run(&[sign_in("ada")]).await;
    assert_eq!(browser.run(&[Subject, get("cart")]).await, [json!("ada"), json!(1)]);
    let mut new = app.browser();
    bench.probe.fail_loads_after_write(2);
    new.run(&[sign_in("bob")]).await;
    assert_eq!(new.run(&[Subject]).await, ["bob"]);
}

/// Whoever waits for the session layer waits for a bounded time, and gets a 503.
pub async fn r21_a_store_that_does_not_answer_is_503_within_the_bound(bench: &Bench) {
    let app = bench.app_with(|builder| builder.max_wait(Duration::from_millis(200))).await;
    let mut browser = signed_in(&app, "ada").await;
    // What a request has begun may still be carried out after its 503.
    let given_up = signed_in(&app, "eve").await;
    bench.probe.set_hanging(true);
    for steps in [vec![get("a")], vec![insert("a", 2)], vec![SignOut], vec![sign_in("bob")], vec![List]] {
        let from = Instant::now();
        let response = if matches!(steps[..], [Get(_) | List]) { &browser } else { &given_up }.peek(&steps).await;
        assert_eq!((response.status.as_u16(), response.set_cookies().len()), (503, 0), "{steps:?}");
        assert!(from.elapsed() < Duration::from_secs(5), "{steps:?}: {:?}", from.elapsed());
    }
    bench.probe.set_hanging(false);
    assert_eq!(browser.run(&[Subject]).await, [json!("ada")]);
}
