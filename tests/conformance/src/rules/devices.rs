//! A user's sessions on other devices.

use super::{id, is_dead, s, sign_in, signed_in};
use crate::{Bench, Calls, Step::*};
use serde_json::Value as Json;
use serde_json::json;

/// A handle whose session was ended meanwhile ends no others.
pub async fn revoking_needs_a_live_session(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let late = tokio::spawn({
        let browser = browser.clone();
        async move { browser.peek(&[Subject, Pause(s("late")), RevokeOthers]).await }
    });
    app.gates.reached("late", 1).await;
    browser.run(&[Renew]).await;
    app.gates.release("late", 1);
    assert_eq!(late.await.unwrap().status, 401);
    assert_eq!(browser.run(&[Subject]).await, [json!("ada")], "its own renewed one is not an other");
}

/// Found in review: an equal label was written each time, and one user's label stayed for the next.
pub async fn labels_are_written_once_and_stay_with_their_user(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    browser.run(&[SetLabel(s("Ada's phone"))]).await;
    bench.probe.take_calls();
    browser.run(&[SetLabel(s("Ada's phone"))]).await;
    assert_eq!(bench.probe.take_calls(), Calls { load: 1, ..Calls::default() });
    browser.run(&[sign_in("bob")]).await;
    assert_eq!(browser.run(&[List]).await[0][0]["label"], json!(null));
}

pub async fn devices_are_listed_and_signed_out(bench: &Bench) {
    let app = bench.app().await;
    let mut laptop = app.browser();
    laptop.run(&[sign_in("ada"), SetLabel(s("Firefox on Linux"))]).await;
    bench.advance(5);
    let mut phone = app.browser();
    phone.run(&[sign_in("ada"), SetLabel(s("Safari on iPhone"))]).await;
    bench.advance(5);
    let mut tablet = signed_in(&app, "ada").await;
    let mut stranger = signed_in(&app, "Ada").await;
    let stranger_id = id(&mut stranger).await;
    let list = phone.run(&[List]).await.remove(0);
    let labels: Vec<&Json> = list.as_array().unwrap().iter().map(|device| &device["label"]).collect();
    assert_eq!(labels, [&json!(null), &json!("Safari on iPhone"), &json!("Firefox on Linux")]);
    assert_eq!(list[1]["current"], true);
    assert_eq!(list[0]["current"], false);
    assert_eq!(phone.run(&[Revoke(stranger_id.clone())]).await, [false], "another user's device is not one's own");
    assert!(!is_dead(&stranger).await);
    assert_eq!(phone.run(&[Revoke(list[2]["id"].as_str().unwrap().into())]).await, [true]);
    assert!(is_dead(&laptop).await);
    assert_eq!(phone.run(&[RevokeOthers]).await, [1]);
    assert!(is_dead(&tablet).await && !is_dead(&phone).await && !is_dead(&stranger).await);
    let own = id(&mut phone).await;
    assert!(phone.send(&[Revoke(own)]).await.set_cookies()[0].contains("Max-Age=0"), "one's own is a sign-out");
    assert_eq!(app.browser().send(&[List]).await.status, 401);
    laptop.run(&[]).await;
    tablet.run(&[]).await;
}

/// Found in review: a 500 took the sign-in back, but not the revocation that went with it.
pub async fn revoking_settles_the_sign_in_before(bench: &Bench) {
    let app = bench.app().await;
    let mut other = signed_in(&app, "ada").await;
    let mut browser = app.browser();
    assert_eq!(browser.send(&[sign_in("ada"), RevokeOthers, Fail(500)]).await.status, 500);
    assert!(is_dead(&other).await);
    assert_eq!(browser.run(&[Subject]).await, ["ada"], "it stays signed in, as the others stay signed out");
    other.run(&[]).await;
}
