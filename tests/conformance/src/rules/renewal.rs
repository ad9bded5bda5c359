//! A new secret for the same user, or for another: rule R12.

use super::{get, id, insert, is_dead, sign_in, signed_in};
use crate::{Bench, Step::*};
use serde_json::json;
use waxseal_http::Page;

/// Elsewhere `set` after `renew` undid the renewal.
pub async fn r12_flags_and_changes_are_independent_of_their_order(bench: &Bench) {
    let app = bench.app().await;
    let orders = [
        vec![sign_in("bob"), insert("x", 1), Renew],
        vec![sign_in("bob"), Renew, insert("x", 1)],
        vec![Renew, sign_in("bob"), insert("x", 1)],
        vec![Renew, insert("x", 1), sign_in("bob")],
        vec![insert("x", 1), sign_in("bob"), Renew],
        vec![insert("x", 1), Renew, sign_in("bob")],
    ];
    for steps in orders {
        let mut browser = app.browser();
        browser.run(&[insert("basket", "bread")]).await;
        let old = browser.clone();
        let old_id = id(&mut browser).await;
        browser.run(&steps).await;
        let results = browser.run(&[Subject, get("x"), get("basket"), Id]).await;
        assert_eq!(results[..3], [json!("bob"), json!(1), json!("bread")], "{steps:?}");
        assert_ne!(results[3], old_id, "{steps:?}");
        assert!(is_dead(&old).await, "the old cookie is dead at once: {steps:?}");
        assert!(bench.row(&old_id).await.is_none());
    }
    for steps in [vec![sign_in("bob"), Renew, insert("x", 1), Destroy], vec![insert("x", 1), Destroy]] {
        let mut browser = app.browser();
        browser.run(&[insert("basket", "bread")]).await;
        let old = browser.clone();
        let response = browser.send(&steps).await;
        assert!(response.set_cookies()[0].contains("Max-Age=0"), "an end drops what came before: {steps:?}");
        assert!(is_dead(&old).await);
        assert_eq!(bench.probe.store().list_by_subject("bob", bench.now(), Page::first(100)).await.unwrap().len(), 6);
    }
}

/// salvo-session's old cookie still signs in; tide's middleware kept it.
pub async fn r12_renewal_alone_kills_the_old_cookie_and_keeps_times(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let old = browser.clone();
    let before = browser.run(&[Times]).await[0].clone();
    bench.advance(30);
    browser.run(&[Renew]).await;
    assert!(is_dead(&old).await);
    let results = browser.run(&[Times, Subject, get("a")]).await;
    assert_eq!((&results[0][0], &results[0][3]), (&before[0], &before[3]), "creation time and lifetime stay");
    assert_eq!(results[1..], [json!("ada"), json!(1)]);
    bench.advance(30);
    browser.run(&[sign_in("ada")]).await;
    let after = browser.run(&[Times]).await[0].clone();
    assert_eq!(after[0], before[0].as_u64().unwrap() + 60, "a sign-in starts a new lifetime");
}

pub async fn r12_a_sign_in_of_another_user_starts_without_the_first_ones_data(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let results = browser.run(&[get("a"), sign_in("bob"), get("a"), insert("b", 2)]).await;
    assert_eq!(results[2], json!(null));
    assert_eq!(browser.run(&[Subject, Keys]).await, [json!("bob"), json!(["b"])]);
    browser.run(&[sign_in("bob")]).await;
    assert_eq!(browser.run(&[get("b")]).await, [2], "the same user's data stay");
}
