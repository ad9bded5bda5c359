//! What operators see of a session: metrics and spans, and that neither shows a value.

#![allow(missing_docs, clippy::unwrap_used)]
#![cfg(feature = "metrics")]

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tracing_subscriber::fmt::format::FmtSpan;
use waxseal_http::{
    Keyring, RootKey, Sessions,
    testing::{TestStore, signed_in},
};

const SECRET_VALUE: &str = "a value that nobody may see";

/// A visit of a signed-in user that changes the session, one with a forged cookie, one without any, and one while the store is down.
async fn visits() {
    let store = TestStore::new();
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let sessions = Sessions::builder(keyring, store.clone()).build().unwrap();
    let cookie = signed_in(&sessions, "ada").await.unwrap();
    let request = |cookie: HeaderValue| HeaderMap::from_iter([(header::COOKIE, cookie)]);

    let session = sessions.open(&request(cookie.clone()));
    session.insert("note", SECRET_VALUE).unwrap();
    let _ = sessions.commit(&session, StatusCode::OK, &mut HeaderMap::new()).await.unwrap();

    let mut forged = cookie.to_str().unwrap().to_owned();
    let place = forged.len() - 5..forged.len() - 4;
    let other = if &forged[place.clone()] == "A" { "B" } else { "A" };
    forged.replace_range(place, other);
    let session = sessions.open(&request(HeaderValue::from_str(&forged).unwrap()));
    assert_eq!(session.subject().await.unwrap(), None);
    assert_eq!(sessions.open(&HeaderMap::new()).subject().await.unwrap(), None);

    store.set_down(true);
    assert!(sessions.open(&request(cookie)).subject().await.is_err());
}

/// One test at a time: a span that is first met on a thread without a subscriber, while another thread has one, stays off there too.
static ALONE: Mutex<()> = Mutex::new(());

fn run() {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(visits());
}

#[test]
fn each_metric_counts_what_it_says() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let recorder = DebuggingRecorder::new();
    let snapshots = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, run);
    let mut counts = BTreeMap::new();
    for (key, _, description, value) in snapshots.snapshot().into_vec() {
        let key = key.key();
        let labels: Vec<&str> = key.labels().map(|label| label.value()).collect();
        assert!(description.is_some(), "{} is described", key.name());
        let value = match value {
            DebugValue::Counter(value) => value,
            DebugValue::Histogram(values) => values.len() as u64,
            DebugValue::Gauge(_) => continue,
        };
        counts.insert(format!("{} {}", key.name(), labels.join(" ")), value);
    }
    for (what, expected) in [
        ("waxseal_requests_total live", 1),
        ("waxseal_requests_total new", 3),
        ("waxseal_cookies_refused_total forged", 1),
        ("waxseal_saves_total created", 1),
        ("waxseal_saves_total saved", 1),
        ("waxseal_failures_total load", 1),
        // The session's row; and before and after the sign-in, whether all sessions of the user were ended meanwhile.
        ("waxseal_store_call_duration_seconds load ok", 3),
        ("waxseal_store_call_duration_seconds load failed", 1),
        ("waxseal_store_call_duration_seconds insert ok", 1),
        ("waxseal_store_call_duration_seconds update ok", 1),
    ] {
        assert_eq!(counts.get(what), Some(&expected), "{what}: {counts:#?}");
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn spans_say_what_a_request_waited_for_and_show_no_value() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, run);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for expected in [
        "waxseal.store{otel.kind=\"client\" db.operation.name=\"load\"}",
        "waxseal.store{otel.kind=\"client\" db.operation.name=\"update\"}",
        "waxseal.session=\"live\"",
        "waxseal.outcome=\"saved\"",
        "waxseal.outcome=\"created\"",
        "error.type=503",
        "time.busy=",
    ] {
        assert!(log.contains(expected), "{expected} is not in\n{log}");
    }
    assert!(!log.contains(SECRET_VALUE) && !log.contains("ada"), "{log}");
}
