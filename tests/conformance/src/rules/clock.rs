//! One clock: times are the database's, whatever a node's own clock says.

use super::{get, insert, is_dead, signed_in};
use crate::{App, Bench, Browser, Step::*};
use serde_json::json;
use waxseal_sea_orm::Sweeper;

const HOUR: i64 = 3600;

/// A node whose clock is ahead by so many seconds; the database's is right.
async fn node(bench: &Bench, ahead: i64) -> App {
    bench.probe.set_time(bench.clock_ahead(0));
    let clock = bench.clock_ahead(ahead);
    bench.app_with(|builder| builder.node_clock(clock)).await
}

/// The same browser at another node.
fn at(app: &App, browser: &Browser) -> Browser {
    let mut there = app.browser();
    there.cookie.clone_from(&browser.cookie);
    there
}

pub async fn r24_a_node_whose_clock_is_wrong_signs_nobody_out(bench: &Bench) {
    let right = node(bench, 0).await;
    let browser = signed_in(&right, "ada").await;
    for ahead in [HOUR, -HOUR, 10 * 365 * 24 * HOUR, -50 * 365 * 24 * HOUR] {
        let wrong = node(bench, ahead).await;
        let mut there = at(&wrong, &browser);
        assert_eq!(there.run(&[Subject, get("a")]).await, [json!("ada"), json!(1)], "{ahead}");
        there.run(&[insert("a", 1)]).await;
        assert!(!is_dead(&at(&right, &there)).await, "{ahead}");
        let mut made = signed_in(&wrong, "bob").await;
        made = at(&right, &made);
        assert_eq!(made.run(&[Subject]).await, [json!("bob")], "made where the clock is wrong, {ahead}");
    }
    let swept = Sweeper::new(bench.probe.clone()).sweep().await.unwrap();
    assert_eq!(swept, 0, "the sweeper goes by the database's time");
}

pub async fn r24_a_node_whose_clock_is_wrong_lets_nobody_in(bench: &Bench) {
    let right = node(bench, 0).await;
    let browser = signed_in(&right, "ada").await;
    bench.advance(31 * 60);
    for ahead in [-HOUR, -50 * 365 * 24 * HOUR] {
        let wrong = node(bench, ahead).await;
        assert!(is_dead(&at(&wrong, &browser)).await, "{ahead}");
    }
}

/// Found: a node that was ahead by more than ten seconds replaced a cookie that had just been renewed.
pub async fn r24_a_node_whose_clock_is_wrong_replaces_no_cookie(bench: &Bench) {
    let right = node(bench, 0).await;
    for ahead in [60, -60] {
        let mut browser = signed_in(&right, "ada").await;
        let wrong = node(bench, ahead).await;
        let before = at(&wrong, &browser);
        browser.run(&[Renew]).await;
        let late = before.peek(&[insert("b", 1)]).await;
        assert_eq!(late.set_cookies().len(), 0, "{ahead}: it was sent before the browser knew of the renewal");
    }
}

/// Where another node may answer with an older state, the browser's cookie names the newest generation.
pub async fn r19_the_cookie_names_the_newest_generation_where_answers_may_be_old(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let once = browser.send(&[insert("a", 2)]).await;
    if bench.probe.store_is_never_behind() {
        assert_eq!(once.set_cookies().len(), 0, "one database needs no new cookie");
    }
    bench.probe.set_may_be_behind();
    let again = browser.send(&[insert("a", 3)]).await;
    assert_eq!(again.set_cookies().len(), 1);
    assert_eq!(browser.run(&[get("a")]).await, [3]);
}
