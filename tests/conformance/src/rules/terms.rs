//! A session keeps its own timeouts, persistence and generation, within what is configured now: rules R19 and R25.

use std::time::Duration;

use serde_json::json;
use waxseal_http::{CookieOptions, OlderRows, SessionsBuilder};

use super::{get, id, insert, is_dead, sign_in, signed_in};
use crate::{App, Bench, Browser, Step, Step::*};

const DAY: u64 = 24 * 3600;

fn remember(subject: &str, seconds: u64) -> Step {
    Remember(subject.into(), seconds)
}

fn days(days: u64) -> Duration {
    Duration::from_secs(days * DAY)
}

async fn remembering(bench: &Bench) -> App {
    bench.app_with(|builder| builder.max_lifetime(days(30))).await
}

/// The `Max-Age` of the one cookie that a script's response sets.
async fn max_age(browser: &mut Browser, steps: &[Step]) -> Option<u64> {
    let response = browser.send(steps).await;
    let [cookie] = response.set_cookies()[..] else { panic!("{response:?}") };
    cookie.split("; ").find_map(|attribute| attribute.strip_prefix("Max-Age=")).map(|seconds| seconds.parse().unwrap())
}

pub async fn remembered_sessions_keep_their_terms(bench: &Bench) {
    let app = remembering(bench).await;
    let mut remembered = app.browser();
    assert_eq!(max_age(&mut remembered, &[remember("ada", 30 * DAY), insert("a", 1)]).await, Some(30 * DAY));
    let mut ordinary = app.browser();
    assert_eq!(max_age(&mut ordinary, &[sign_in("ada")]).await, Some(8 * 3600));

    bench.advance(1800);
    assert!(is_dead(&ordinary).await, "the idle timeout as configured");
    assert_eq!(max_age(&mut remembered, &[get("a")]).await, Some(30 * DAY - 1800), "touched");
    bench.advance(20 * DAY);
    assert_eq!(max_age(&mut remembered, &[Renew, get("a")]).await, Some(10 * DAY - 1800), "renewed");
    let times = remembered.run(&[Times]).await.remove(0);
    assert_eq!(times[3].as_u64().unwrap() - times[0].as_u64().unwrap(), 30 * DAY);
    bench.advance(10 * DAY - 1801);
    assert_eq!(remembered.run(&[get("a"), Subject]).await, [json!(1), json!("ada")]);
    bench.advance(1);
    assert!(is_dead(&remembered).await, "at the end of its own lifetime");
}

pub async fn a_cookie_lasts_as_its_session_was_made(bench: &Bench) {
    let closing = bench
        .app_with(|builder| builder.cookie(CookieOptions::new().until_browser_closes()).max_lifetime(days(30)))
        .await;
    let (mut ordinary, mut remembered) = (closing.browser(), closing.browser());
    assert_eq!(max_age(&mut ordinary, &[sign_in("ada")]).await, None);
    assert_eq!(max_age(&mut remembered, &[remember("ada", 30 * DAY)]).await, Some(30 * DAY));

    // The next deploy keeps cookies by default: sessions made before stay as they were.
    let keeping = remembering(bench).await;
    let (mut ordinary, mut remembered) = (ordinary.at(&keeping), remembered.at(&keeping));
    bench.advance(60);
    assert_eq!(max_age(&mut ordinary, &[get("a")]).await, None, "touched");
    assert_eq!(max_age(&mut ordinary, &[Renew]).await, None, "renewed");
    assert_eq!(max_age(&mut remembered, &[get("a")]).await, Some(30 * DAY - 60));
}

pub async fn terms_over_the_bounds_are_refused(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    for seconds in [30 * DAY, 0] {
        assert_eq!(browser.send(&[insert("a", 2), remember("eve", seconds)]).await.status, 500, "{seconds}");
    }
    assert_eq!(browser.run(&[get("a"), Subject]).await, [json!(1), json!("ada")], "nothing was recorded");
}

/// Seen: a session of 30 days, redeployed with 8 hours and 15 minutes and idle for 9 hours, was still signed in.
pub async fn r25_a_deploy_that_shortens_the_timeouts_binds_old_sessions(bench: &Bench) {
    type Options = fn(SessionsBuilder) -> SessionsBuilder;
    let generous: Options = |builder| builder.lifetime(days(30)).idle_timeout(days(14));
    let strict: Options =
        |builder| builder.lifetime(Duration::from_secs(8 * 3600)).idle_timeout(Duration::from_secs(900));
    let (before, after) = (bench.app_with(generous).await, bench.app_with(strict).await);

    let idle_after = signed_in(&before, "ada").await.at(&after);
    let mut busy_after = signed_in(&before, "ada").await.at(&after);
    bench.advance(899);
    busy_after.run(&[get("a")]).await;
    bench.advance(1);
    assert!(is_dead(&idle_after).await, "the shorter idle timeout");
    for _ in 0..31 {
        bench.advance(898);
        let times = busy_after.run(&[Times]).await.remove(0);
        assert!(times[2].as_u64().unwrap() <= bench.now().unix_seconds() + 900, "{times}");
        assert_eq!(times[3].as_u64().unwrap() - times[0].as_u64().unwrap(), 8 * 3600, "the shorter lifetime");
    }
    let devices = after.sessions.list("ada").await.unwrap();
    assert_eq!(devices.len(), 1, "the idle one is not listed");
    bench.advance(8 * 3600 - 900 - 31 * 898);
    assert!(is_dead(&busy_after).await, "however active");
    assert!(after.sessions.list("ada").await.unwrap().is_empty());
}

pub async fn r25_a_deploy_that_lengthens_the_timeouts_leaves_old_sessions_as_they_are(bench: &Bench) {
    let (before, after) = (bench.app().await, bench.app_with(|builder| builder.idle_timeout(days(1))).await);
    let browser = signed_in(&before, "ada").await.at(&after);
    bench.advance(1800);
    assert!(is_dead(&browser).await);
}

/// What somebody with write access to the database, or a restored backup, could undo.
pub async fn r19_a_row_older_than_its_cookie_is_refused_unless_the_policy_accepts_it(bench: &Bench) {
    let app = bench.app_with(|builder| builder.claims(["a"])).await;
    let accepting = bench.app_with(|builder| builder.claims(["a"]).older_rows(OlderRows::Accept)).await;
    let mut browser = signed_in(&app, "ada").await;
    let id = id(&mut browser).await;
    let old = bench.row(&id).await.unwrap();
    // A changed claim is issued again: this cookie has seen generation 2.
    browser.run(&[insert("a", 2)]).await;
    bench.probe.falsify(move |row| *row = old.clone());
    assert_eq!(browser.peek(&[IsNew, get("a"), Subject]).await.results, [json!(true), json!(null), json!(null)]);
    assert_eq!(browser.at(&accepting).peek(&[get("a"), Subject]).await.results, [json!(1), json!("ada")]);
    bench.probe.stop_falsifying();
    assert_eq!(browser.run(&[get("a"), Subject]).await, [json!(2), json!("ada")], "nobody was signed out by it");
}

/// The rows of a backup have the idle expiry that they had when it was made.
pub async fn r19_a_restored_row_that_has_expired_is_accepted_with_its_cookies_expiry(bench: &Bench) {
    let app = bench.app().await;
    let accepting = bench.app_with(|builder| builder.older_rows(OlderRows::Accept)).await;
    let mut browser = signed_in(&app, "ada").await;
    let id = id(&mut browser).await;
    let backup = bench.row(&id).await.unwrap();
    for _ in 0..3 {
        bench.advance(1500);
        browser.run(&[insert("a", 2)]).await;
    }
    bench.restore(backup).await;
    assert_eq!(browser.at(&app).peek(&[IsNew]).await.results, [json!(true)]);
    let mut kept = browser.at(&accepting);
    assert_eq!(kept.run(&[get("a"), Subject, insert("a", 3)]).await[..2], [json!(1), json!("ada")]);
    assert_eq!(kept.run(&[get("a")]).await, [json!(3)]);
    bench.advance(1799);
    assert!(!is_dead(&kept).await);
    bench.advance(1800);
    assert!(is_dead(&kept).await, "it expires as any other");
}

/// Seen: a revoked ticket of an application with a store opened, with its data, at a stateless one of the same keys and name.
pub async fn tickets_of_stateless_sessions_and_of_sessions_with_a_store_do_not_mix(bench: &Bench) {
    let (kept, stateless) = (bench.app_with(|builder| builder.claims(["a"])).await, bench.stateless_app().await);
    let mut with_row = signed_in(&kept, "ada").await;
    let without = signed_in(&stateless, "ada").await;
    assert_eq!(without.peek(&[get("a"), Subject]).await.results, [json!(1), json!("ada")]);
    assert_eq!(with_row.at(&stateless).peek(&[IsNew, get("a")]).await.results, [json!(true), json!(null)]);
    bench.probe.take_calls();
    assert_eq!(without.at(&kept).peek(&[IsNew, TicketSubject]).await.results, [json!(true), json!(null)]);
    assert_eq!(bench.probe.take_calls().total(), 0);
    with_row.run(&[SignOut]).await;
}
