//! Clones of one session's handle: the engine by hand, on MemoryStore.

use super::{cookie, get, is_dead, signed_in};
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
    commit(&app, &session).await;
    assert_eq!(browser.run(&[get("b"), get("c")]).await, [2, 3], "what was being saved was saved");
}

pub async fn late_saves_keep_data_and_refuse_cookies(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let session = open(&app, &browser);
    commit(&app, &session).await;
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
    commit(&app, &new).await;
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
    commit(&app, &session).await;
    assert_eq!(browser.run(&[get("a"), List]).await[0], 4);
}
