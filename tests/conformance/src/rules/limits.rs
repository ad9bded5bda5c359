//! How many sessions a user may have.

use super::{is_dead, sign_in};
use crate::{Bench, Browser, Step::*};
use serde_json::json;
use std::time::Duration;
use waxseal_http::OverLimit;

pub async fn a_sign_in_too_many_ends_the_oldest_session(bench: &Bench) {
    let app = bench.app_with(|builder| builder.max_sessions_per_subject(2, OverLimit::EndOldest)).await;
    let mut browsers: Vec<Browser> = Vec::new();
    for _ in 0..3 {
        let mut browser = app.browser();
        browser.run(&[sign_in("ada")]).await;
        browsers.push(browser);
        bench.advance(1);
    }
    assert!(is_dead(&browsers[0]).await && !is_dead(&browsers[1]).await && !is_dead(&browsers[2]).await);
    browsers[1].run(&[sign_in("ada")]).await;
    assert!(!is_dead(&browsers[1]).await && !is_dead(&browsers[2]).await, "one that signs in again is counted once");
    let mut other = app.browser();
    other.run(&[sign_in("bob")]).await;
    assert!(!is_dead(&other).await && !is_dead(&browsers[1]).await && !is_dead(&browsers[2]).await);
}

pub async fn a_sign_in_too_many_is_refused_where_that_is_asked_for(bench: &Bench) {
    let app = bench.app_with(|builder| builder.max_sessions_per_subject(1, OverLimit::Refuse)).await;
    let mut first = app.browser();
    first.run(&[sign_in("ada")]).await;
    let mut second = app.browser();
    second.run(&[super::insert("cart", 1)]).await;
    let refused = second.send(&[sign_in("ada")]).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.set_cookies().len(), 0);
    assert_eq!(second.run(&[Subject, super::get("cart")]).await, [json!(null), json!(1)], "what was before stays");
    assert!(!is_dead(&first).await);
    first.run(&[SignOut]).await;
    second.run(&[sign_in("ada")]).await;
    assert!(!is_dead(&second).await);
}

pub async fn a_session_that_shorter_timeouts_have_ended_is_not_counted(bench: &Bench) {
    let day = Duration::from_secs(24 * 3600);
    let before = bench.app_with(|builder| builder.idle_timeout(14 * day).lifetime(30 * day)).await;
    let after = bench.app_with(|builder| builder.max_sessions_per_subject(1, OverLimit::Refuse)).await;
    let (mut old, mut new) = (before.browser(), after.browser());
    old.run(&[sign_in("ada")]).await;
    assert_eq!(new.send(&[sign_in("ada")]).await.status, 403);
    bench.advance(3600);
    new.run(&[sign_in("ada")]).await;
    assert!(!is_dead(&new).await);
}

pub async fn sign_ins_at_once_count_each_other(bench: &Bench) {
    for (over, expected) in [(OverLimit::EndOldest, 3), (OverLimit::Refuse, 3)] {
        let app = bench.app_with(|builder| builder.max_sessions_per_subject(3, over)).await;
        let subject = format!("{over:?}");
        let signing_in: Vec<_> = (0..12)
            .map(|_| {
                let (mut browser, subject) = (app.browser(), subject.clone());
                tokio::spawn(async move {
                    let status = browser.send(&[sign_in(&subject)]).await.status;
                    (browser, status)
                })
            })
            .collect();
        let (mut live, mut refused) = (0, 0);
        let mut browsers = Vec::new();
        for task in signing_in {
            let (browser, status) = task.await.unwrap();
            assert!(status == 200 || status == 403, "{status}");
            refused += usize::from(status == 403);
            browsers.push((browser, status));
        }
        for (browser, status) in &browsers {
            live += usize::from(*status == 200 && !is_dead(browser).await);
        }
        assert_eq!(live, expected, "{over:?}");
        assert_eq!(refused, if over == OverLimit::Refuse { 9 } else { 0 });
    }
}
