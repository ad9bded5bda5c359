//! Activity keeps a session without a write a request: rule R10.

use super::{get, id, insert, s, signed_in};
use crate::{Bench, Calls, Step::*};
use http::StatusCode;
use serde_json::json;
use waxseal_http::Row;

/// A cookie that an early `save` put by is not sent over a newer one.
pub async fn r10_an_early_saves_cookie_does_not_overwrite_a_newer_one(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    bench.advance(60);
    let late = tokio::spawn({
        let browser = browser.clone();
        async move { browser.peek(&[insert("a", 2), Save, Pause(s("late"))]).await }
    });
    app.gates.reached("late", 1).await;
    browser.run(&[Renew]).await;
    bench.advance(1);
    app.gates.release("late", 1);
    let late = late.await.unwrap();
    assert_eq!((late.status, late.set_cookies()), (StatusCode::OK, vec![]));
    assert_eq!(browser.run(&[Subject, get("a")]).await, [json!("ada"), json!(2)]);
}

pub async fn r10_reads_never_write_but_one_touch_per_interval(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let row_id = id(&mut browser).await;
    let before = bench.row(&row_id).await.unwrap();
    bench.probe.take_calls();
    for _ in 0..59 {
        bench.advance(1);
        assert_eq!(browser.send(&[get("a")]).await.set_cookies(), [""; 0]);
    }
    assert_eq!(bench.probe.take_calls(), Calls { load: 59, ..Calls::default() });
    bench.advance(1);
    let response = browser.send(&[get("a")]).await;
    assert_eq!(response.set_cookies().len(), 1, "re-issued, so that an edge sees the sliding expiry");
    assert_eq!(bench.probe.take_calls(), Calls { load: 1, touch: 1, ..Calls::default() });
    let after = bench.row(&row_id).await.unwrap();
    let moved = Row { seen_at: after.seen_at, expires_at: after.expires_at, ..before.clone() };
    assert_eq!(after, moved, "a touch changes the idle expiry only");
    assert_eq!(after.seen_at.unix_seconds(), before.seen_at.unix_seconds() + 60);
    assert_eq!(after.expires_at.unix_seconds(), before.expires_at.unix_seconds() + 60);
    let ticket = browser.ticket(bench.now());
    assert_eq!((ticket.issued_at(), ticket.expires_at()), (after.seen_at, after.expires_at));
}

pub async fn r10_of_requests_at_once_one_touches(bench: &Bench) {
    let app = bench.app().await;
    let browser = signed_in(&app, "ada").await;
    bench.advance(60);
    let requests: Vec<_> = (0..8)
        .map(|_| {
            let browser = browser.clone();
            tokio::spawn(async move { browser.peek(&[get("a"), Pause(s("read"))]).await.set_cookies().len() })
        })
        .collect();
    app.gates.reached("read", 8).await;
    app.gates.release("read", 8);
    let mut cookies = 0;
    for request in requests {
        cookies += request.await.unwrap();
    }
    assert_eq!(cookies, 1);
}

/// A touch must not send a cookie that a parallel renewal has killed.
pub async fn r10_a_late_touch_does_not_overwrite_a_renewed_cookie(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    bench.advance(60);
    let late = {
        let browser = browser.clone();
        tokio::spawn(async move { browser.peek(&[get("a"), Pause(s("late"))]).await.set_cookies().len() })
    };
    app.gates.reached("late", 1).await;
    browser.run(&[Renew]).await;
    app.gates.release("late", 1);
    assert_eq!(late.await.unwrap(), 0);
}

/// Found in review: nor may it undo the claims that another request has just sent.
pub async fn r10_a_late_touch_does_not_send_older_claims(bench: &Bench) {
    let app = bench.app_with(|builder| builder.claims(["role"])).await;
    let mut browser = signed_in(&app, "ada").await;
    bench.advance(60);
    let late = {
        let browser = browser.clone();
        tokio::spawn(async move { browser.peek(&[get("a"), Pause(s("late"))]).await.set_cookies().len() })
    };
    app.gates.reached("late", 1).await;
    // Within the touch interval of the row that it saves, so that the row's times would let the late touch pass.
    bench.advance(1);
    browser.run(&[insert("role", "admin")]).await;
    bench.advance(60);
    app.gates.release("late", 1);
    assert_eq!(late.await.unwrap(), 0);
    assert_eq!(browser.run(&[TicketClaims]).await, [json!({ "role": "admin" })]);
}

/// Found in review: the row was not touched where the cookie had become too large.
pub async fn r10_a_touch_counts_though_its_cookie_cannot_be_made(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    browser.run(&[insert("role", "x".repeat(4000))]).await;
    let claiming = bench.app_with(|builder| builder.claims(["role"])).await;
    let browser = browser.at(&claiming);
    for _ in 0..3 {
        bench.advance(1700);
        assert_eq!(browser.peek(&[Subject]).await.results, ["ada"]);
    }
}
