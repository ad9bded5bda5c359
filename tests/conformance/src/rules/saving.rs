//! No change is lost, and none is made twice: rules R8, R11 and R17.

use super::{get, insert, s, sign_in, signed_in};
use crate::{Bench, Browser, Calls, Step, Step::*};
use serde_json::{Value as Json, json};
use std::time::Duration;

/// A change whose answer was lost is not applied again.
pub async fn r08_a_lost_answer_does_not_count_twice(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    bench.probe.set_answers_lost(true);
    assert_eq!(browser.send(&[Increment("n".into()), Save]).await.status, 200);
    bench.probe.set_answers_lost(false);
    assert_eq!(browser.run(&[get("n")]).await, [1]);
}

/// A server that did not answer in time may still execute the statement, while the request has already begun the next one.
pub async fn r08_a_change_that_takes_effect_late_does_not_count_twice(bench: &Bench) {
    let app = bench.app_with(|builder| builder.max_wait(Duration::from_secs(4))).await;
    let mut browser = signed_in(&app, "ada").await;
    bench.probe.delay_update();
    let failed = browser.peek(&[Increment(s("n")), Save]).await;
    assert_eq!(failed.status, 503);
    assert_eq!(browser.run(&[Increment(s("m")), Save, get("n"), get("m")]).await[2..], [json!(1), json!(1)]);
    bench.probe.delay_update();
    let steps = [Increment(s("n")), TrySave, Increment(s("m")), Save, get("n"), get("m")];
    assert_eq!(browser.run(&steps).await[4..], [json!(2), json!(2)]);
    assert_eq!(browser.run(&[get("n"), get("m")]).await, [json!(2), json!(2)]);
}

pub async fn r08_changes_of_different_keys_both_land(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let requests: Vec<_> = ["x", "y", "z"]
        .into_iter()
        .map(|key| {
            let browser = browser.clone();
            let steps = [get("a"), Pause(s("both")), insert(key, key), Remove(s("a"))];
            tokio::spawn(async move { browser.peek(&steps).await })
        })
        .collect();
    app.gates.reached("both", 3).await;
    app.gates.release("both", 3);
    for request in requests {
        assert_eq!(request.await.unwrap().status, 200);
    }
    assert_eq!(browser.run(&[Keys]).await, [json!(["x", "y", "z"])]);
}

/// of 50 increments other layers keep 1 to 47.
pub async fn r08_no_increment_is_lost(bench: &Bench) {
    const REQUESTS: usize = 50;
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let requests: Vec<_> = (0..REQUESTS)
        .map(|_| {
            let browser = browser.clone();
            let steps = [get("n"), Pause(s("all")), Increment(s("n")), Save, get("n")];
            tokio::spawn(async move { browser.peek(&steps).await })
        })
        .collect();
    app.gates.reached("all", REQUESTS as u32).await;
    app.gates.release("all", REQUESTS);
    let mut seen = Vec::new();
    for request in requests {
        seen.push(request.await.unwrap().results[4].as_u64().unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, (1..=REQUESTS as u64).collect::<Vec<_>>(), "after save each sees the value that it landed");
    assert_eq!(browser.run(&[get("n")]).await, [REQUESTS]);
}

pub async fn r11_statements_are_as_few_as_can_be(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let calls = async |browser: &mut Browser, steps: &[Step]| {
        bench.probe.take_calls();
        browser.run(steps).await;
        bench.probe.take_calls()
    };
    let none = Calls::default();
    let load = Calls { load: 1, ..none };
    let change = Calls { load: 1, update: 1, ..none };
    assert_eq!(calls(&mut browser, &[]).await, none);
    assert_eq!(calls(&mut browser, &[TicketSubject, TicketClaims]).await, none);
    assert_eq!(calls(&mut browser, &[get("a"), get("b"), Keys, Subject, Times, Id]).await, load);
    assert_eq!(calls(&mut browser, &[insert("a", 2)]).await, change);
    assert_eq!(calls(&mut browser, &[get("a"), insert("a", 3), insert("b", 1), Increment(s("c"))]).await, change);
    assert_eq!(calls(&mut browser, &[insert("a", 3)]).await, load, "an equal value is no change");
    assert_eq!(calls(&mut browser, &[insert("a", 4), insert("a", 3)]).await, load);
    assert_eq!(calls(&mut browser, &[Remove(s("nothing"))]).await, load);
    assert_eq!(calls(&mut browser, &[Renew]).await, Calls { load: 1, rotate: 1, ..none });
    assert_eq!(calls(&mut browser, &[SignOut]).await, Calls { delete: 1, ..none });
    assert_eq!(calls(&mut browser, &[Clear, Remove(s("x")), get("x")]).await, none);
    assert_eq!(calls(&mut browser, &[insert("a", 1)]).await, Calls { insert: 1, ..none });
}

/// Elsewhere cookies outgrow 4096 bytes silently.
pub async fn r17_what_is_too_large_is_an_error_before_anything_is_written(bench: &Bench) {
    let app = bench.app_with(|builder| builder.claims(["role"]).max_data_bytes(10_000)).await;
    let mut browser = app.browser();
    browser.run(&[sign_in("ada"), insert("a", 1)]).await;
    let before = browser.clone();
    for steps in [
        vec![insert("big", "x".repeat(10_001))],
        vec![insert("big", "x".repeat(10_001)), Renew],
        vec![insert("role", "x".repeat(4000))],
        vec![insert("role", "x".repeat(4000)), sign_in("bob")],
    ] {
        bench.probe.take_calls();
        let response = browser.send(&steps).await;
        assert_eq!((response.status.as_u16(), response.set_cookies()), (500, vec![]));
        assert_eq!(bench.probe.take_calls(), Calls { load: 1, ..Calls::default() });
    }
    assert_eq!(browser.cookie, before.cookie);
    assert_eq!(browser.run(&[get("a"), Keys]).await, [json!(1), json!(["a"])]);
    browser.run(&[insert("big", "x".repeat(9_900))]).await;
    assert_eq!(app.browser().send(&[insert("role", "x".repeat(4000))]).await.status, 500);
}

pub async fn r17_data_up_to_the_default_bound_are_kept(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = app.browser();
    let large = "x".repeat(64 * 1024 - 20);
    browser.run(&[insert("large", large.as_str())]).await;
    assert_eq!(browser.run(&[get("large")]).await, [large]);
}

/// Of requests at once only one gets the value: one-time codes and nonces.
pub async fn r08_what_is_taken_once_is_taken_once(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    for round in 0..3 {
        browser.run(&[insert("code", round)]).await;
        let requests: Vec<_> = (0..8)
            .map(|_| {
                let browser = browser.clone();
                tokio::spawn(async move { browser.peek(&[get("code"), TakeOnce("code".into())]).await })
            })
            .collect();
        let mut taken = Vec::new();
        for request in requests {
            let response = request.await.unwrap();
            assert_eq!(response.status, 200);
            taken.extend((response.results[1] != Json::Null).then(|| response.results[1].clone()));
        }
        assert_eq!(taken, [round]);
    }
    assert_eq!(browser.run(&[TakeOnce("code".into()), get("a")]).await, [json!(null), json!(1)]);
}

/// Seen: after a deploy that changed a value's type, a page answered 500 until the user cleared their cookies.
pub async fn r25_a_value_that_no_longer_fits_costs_that_value_alone(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    browser.run(&[insert("n", "many")]).await;
    assert_eq!(browser.send(&[insert("other", 1), Increment("n".into())]).await.status, 200);
    assert_eq!(browser.run(&[get("n"), get("other")]).await, [json!(1), json!(1)]);
}
