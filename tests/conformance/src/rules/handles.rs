//! Clones of one session's handle: the engine by hand, on MemoryStore.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex},
    task::Poll,
};

use super::{cookie, get, insert, is_dead, signed_in};
use crate::{App, Bench, Browser, Step::*};
use http::HeaderMap;
use http::StatusCode;
use http::header;
use waxseal_http::{Outcome, Page, Session, SessionError};

fn open(app: &App, browser: &Browser) -> Session {
    let mut headers = HeaderMap::new();
    if let Some(value) = &browser.cookie {
        headers.insert(header::COOKIE, cookie(app, value.as_bytes()));
    }
    app.sessions.open(&headers)
}

async fn commit(app: &App, session: &Session) -> (Outcome, HeaderMap) {
    let mut headers = HeaderMap::new();
    let outcome = app.sessions.commit(session, StatusCode::OK, &mut headers).await.unwrap();
    (outcome, headers)
}

pub async fn what_a_clone_records_during_a_save_is_saved_too(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let session = open(&app, &browser);
    session.insert("b", 2).unwrap();
    let clone = session.clone();
    bench.probe.meanwhile(move || clone.insert("c", 3).unwrap());
    assert_eq!(commit(&app, &session).await.0, Outcome::Saved);
    assert_eq!(browser.run(&[get("b"), get("c")]).await, [2, 3]);
}

pub async fn a_clones_sign_out_during_a_save_is_heard(bench: &Bench) {
    for renewing in [false, true] {
        let app = bench.app().await;
        let browser = signed_in(&app, "ada").await;
        let session = open(&app, &browser);
        session.insert("b", 2).unwrap();
        if renewing {
            session.renew();
        }
        let clone = session.clone();
        bench.probe.meanwhile(move || clone.sign_out());
        let (outcome, headers) = commit(&app, &session).await;
        assert_eq!(outcome, Outcome::Destroyed);
        assert!(headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
        assert!(is_dead(&browser).await);
        assert_eq!(bench.probe.store().list_by_subject("ada", bench.now(), Page::first(100)).await.unwrap(), []);
    }
}

pub async fn a_clones_sign_in_while_its_session_is_lost_counts(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let session = open(&app, &browser);
    session.get::<u64>("a").await.unwrap();
    session.insert("b", 2).unwrap();
    browser.run(&[SignOut]).await;
    let clone = session.clone();
    bench.probe.meanwhile(move || clone.sign_in("bob").unwrap());
    assert_eq!(commit(&app, &session).await.0, Outcome::Created);
    assert_eq!(bench.probe.store().list_by_subject("bob", bench.now(), Page::first(100)).await.unwrap().len(), 1);
}

pub async fn discarding_during_a_save_keeps_what_comes_after(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let session = open(&app, &browser);
    session.insert("b", 2).unwrap();
    let clone = session.clone();
    bench.probe.meanwhile(move || {
        clone.discard();
        clone.insert("c", 3).unwrap();
    });
    let _ = commit(&app, &session).await;
    assert_eq!(browser.run(&[get("b"), get("c")]).await, [2, 3], "what was being saved was saved");
}

pub async fn late_saves_keep_data_and_refuse_cookies(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let session = open(&app, &browser);
    let _ = commit(&app, &session).await;
    session.insert("b", 2).unwrap();
    assert_eq!(session.save().await.unwrap(), Outcome::Saved);
    assert_eq!(browser.run(&[get("b")]).await, [2]);
    session.renew();
    assert!(matches!(session.save().await, Err(SessionError::TooLate)));
    assert_eq!(browser.run(&[Subject]).await, ["ada"], "its cookie is as good as before");
    session.sign_out();
    assert_eq!(session.save().await.unwrap(), Outcome::Destroyed);
    assert!(is_dead(&browser).await);
    let new = app.sessions.open(&HeaderMap::new());
    let _ = commit(&app, &new).await;
    new.insert("a", 1).unwrap();
    assert!(matches!(new.save().await, Err(SessionError::TooLate)));
}

pub async fn an_update_closure_may_use_its_own_session(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let session = open(&app, &browser);
    session.get::<u64>("a").await.unwrap();
    let clone = session.clone();
    session
        .update("a", move |n: Option<u64>| {
            clone.set_label("counted");
            n.unwrap_or(0) + clone.ticket_subject().map_or(0, |subject| subject.len() as u64)
        })
        .unwrap();
    assert_eq!(session.get::<u64>("a").await.unwrap(), Some(4));
    let _ = commit(&app, &session).await;
    assert_eq!(browser.run(&[get("a"), List]).await[0], 4);
}

/// Seen: 32 requests at a time that hang up after a millisecond made 47,000 tasks.
pub async fn r21_requests_that_hang_up_leave_nothing_behind(bench: &Bench) {
    let app = bench.app().await;
    let browser = signed_in(&app, "ada").await;
    let mut other = signed_in(&app, "bob").await;
    let metrics = tokio::runtime::Handle::current().metrics();
    let before = metrics.num_alive_tasks();
    bench.probe.set_hanging_updates(true);
    for n in 0..20_000 {
        let session = open(&app, &browser);
        session.insert("n", n).unwrap();
        let mut headers = HeaderMap::new();
        let mut commit = pin!(app.sessions.commit(&session, StatusCode::OK, &mut headers));
        let _ = poll_fn(|cx| Poll::Ready(commit.as_mut().poll(cx).is_ready())).await;
    }
    assert!(metrics.num_alive_tasks() - before < 10, "{} tasks", metrics.num_alive_tasks() - before);
    assert_eq!(bench.probe.take_calls().update, 1, "one statement is under way; the others waited, and left");
    bench.probe.set_hanging_updates(false);
    assert_eq!(other.run(&[insert("a", 2), get("a")]).await[1], 2, "nobody else waits");
}

/// Each failure is told once a request, with its cause; refused cookies once, however many.
pub async fn r22_failures_are_told(bench: &Bench) {
    use tracing::instrument::WithSubscriber;
    let app = bench.app_with(|builder| builder.max_data_bytes(100)).await;
    let browser = signed_in(&app, "ada").await;
    let told = Events::default();
    let commit_of = |session: Session| {
        let app = &app;
        async move { commit_result(app, &session).await }.with_subscriber(told.subscriber())
    };
    bench.probe.set_down(true);
    let session = open(&app, &browser);
    session.insert("a", 2).unwrap();
    assert!(commit_of(session).await.is_err());
    let events = told.take();
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0].starts_with("ERROR") && events[0].contains("the database is away"), "{events:?}");
    assert!(events[0].contains("row_id") && events[0].contains("commit"), "{events:?}");
    bench.probe.set_down(false);

    let session = open(&app, &browser);
    session.insert("a", "hunter2".repeat(20)).unwrap();
    assert!(commit_of(session).await.is_err());
    let events = told.take();
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0].starts_with("ERROR") && events[0].contains("max_data_bytes"), "{events:?}");
    assert!(!events[0].contains("hunter2"), "no value is shown");

    let mut headers = HeaderMap::new();
    let mut flipped = browser.cookie.clone().unwrap().into_bytes();
    flipped[60] = if flipped[60] == b'A' { b'B' } else { b'A' };
    for _ in 0..64 {
        headers.append(header::COOKIE, cookie(&app, &flipped));
    }
    let session = app.sessions.open(&headers);
    let subject = async { session.ticket_subject().map(String::from) }.with_subscriber(told.subscriber()).await;
    assert_eq!(subject, None);
    assert_eq!(told.take().len(), 1, "64 damaged cookies are one event");
}

async fn commit_result(app: &App, session: &Session) -> Result<Outcome, SessionError> {
    app.sessions.commit(session, StatusCode::OK, &mut HeaderMap::new()).await
}

/// The events of level WARN and above, each as a line.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<u8>>>);

impl Events {
    fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + use<> {
        let events = self.clone();
        let events = tracing_subscriber::fmt().with_writer(move || events.clone()).without_time().with_ansi(false);
        events.with_max_level(tracing::Level::WARN).finish()
    }

    fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        String::from_utf8(bytes).unwrap().lines().map(|line| line.trim().to_owned()).collect()
    }
}

impl std::io::Write for Events {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
