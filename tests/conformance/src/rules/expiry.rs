//! When a session ends by time: rule R3.

use std::sync::atomic::{AtomicU32, Ordering};

use super::{get, id, insert, is_dead, signed_in};
use crate::{Bench, Step::*};
use serde_json::json;

pub async fn r03_expired_at_equality_by_the_idle_timeout(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let row = id(&mut browser).await;
    bench.advance(1799);
    assert_eq!(browser.peek(&[Status(500), IsNew]).await.results, [json!(null), json!(false)]);
    bench.advance(1);
    assert!(is_dead(&browser).await);
    assert!(bench.row(&row).await.is_some(), "the store still has it: the core decided");
}

pub async fn r03_expired_at_equality_by_the_lifetime_however_active(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let created = bench.now();
    for _ in 0..19 {
        bench.advance(1500);
        assert_eq!(browser.run(&[get("a")]).await, [1]);
    }
    bench.advance(28_800 - 19 * 1500 - 1);
    assert_eq!(browser.run(&[get("a"), Times]).await[1][2], created.unix_seconds() + 28_800);
    bench.advance(1);
    assert!(is_dead(&browser).await);
}

/// A store that lies about the lifetime is found out by the seal; one that returns expired rows is not believed.
pub async fn r03_the_core_decides_expiry_after_every_load(bench: &Bench) {
    let app = bench.app().await;
    let browser = signed_in(&app, "ada").await;
    let later = bench.now().plus_seconds(1_000_000);
    bench.probe.falsify(move |row| {
        row.lifetime_s = 2_000_000;
        row.expires_at = later;
    });
    assert!(is_dead(&browser).await, "a longer lifetime than the sealed one");
    bench.probe.falsify(move |row| row.expires_at = row.created_at);
    assert!(is_dead(&browser).await);
    bench.probe.stop_falsifying();
    assert!(!is_dead(&browser).await);
}

pub async fn r03_a_browser_that_missed_a_reissued_cookie_stays_signed_in(bench: &Bench) {
    let app = bench.app().await;
    let browser = signed_in(&app, "ada").await;
    for _ in 0..10 {
        bench.advance(1200);
        // Every response gets lost: the cookie is the first one, its idle hint long past.
        assert_eq!(browser.peek(&[Subject]).await.results, ["ada"]);
    }
    assert!(browser.ticket(bench.now()).idle_expired(bench.now()));
}

/// Found by the simulation: a row was loaded just in time, and its answer came just too late. Another tab had used the session
/// meanwhile, and an anonymous session's cookie replaced the good one.
pub async fn r03_an_answer_that_comes_too_late_is_no_proof_of_an_expiry(bench: &Bench) {
    let app = bench.app().await;
    let write = [Subject, insert("b", 2)];
    for used_meanwhile in [true, false] {
        let browser = signed_in(&app, "ada").await;
        bench.advance(1799);
        let (loads, advance) = (AtomicU32::new(0), bench.advancing());
        bench.probe.falsify(move |row| match loads.fetch_add(1, Ordering::SeqCst) {
            0 => advance(1),
            _ if used_meanwhile => {
                row.seen_at = row.seen_at.plus_seconds(1799);
                row.expires_at = row.expires_at.plus_seconds(1799);
            }
            _ => {}
        });
        let late = browser.peek(if used_meanwhile { &[Subject] } else { &write }).await;
        bench.probe.stop_falsifying();
        assert_eq!(late.results[0], if used_meanwhile { json!("ada") } else { json!(null) });
        assert_eq!(late.set_cookies().len(), 0, "used meanwhile: {used_meanwhile}");
    }
}
