//! Handlers that run on: they hear of the end of their session, and read it anew.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use waxseal_http::{RowId, Session, Sessions};

use crate::Bench;

/// A browser's headers after a sign-in.
async fn sign_in(sessions: &Sessions, subject: &str) -> HeaderMap {
    let session = sessions.open(&HeaderMap::new());
    session.sign_in(subject).unwrap();
    commit(sessions, &session).await.unwrap()
}

/// The headers with the cookie that the response sets.
async fn commit(sessions: &Sessions, session: &Session) -> Option<HeaderMap> {
    let mut response = HeaderMap::new();
    let _ = sessions.commit(session, StatusCode::OK, &mut response).await.unwrap();
    let set = response.get(header::SET_COOKIE)?.to_str().unwrap().split(';').next().unwrap().to_owned();
    Some(HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(&set).unwrap())]))
}

/// A handler that waits for the end of its session, and has begun to.
async fn waiting(sessions: &Sessions, headers: &HeaderMap) -> tokio::task::JoinHandle<()> {
    let session = sessions.open(headers);
    assert!(session.subject().await.unwrap().is_some());
    let waiting = tokio::spawn(async move { session.ended().await.unwrap() });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    waiting
}

async fn ends_soon(waiting: tokio::task::JoinHandle<()>) {
    tokio::time::timeout(Duration::from_millis(900), waiting).await.expect("it heard of the end").unwrap();
}

pub async fn a_handler_that_runs_on_hears_of_the_end_of_its_session(bench: &Bench) {
    let sessions = bench.sessions();
    // By its own browser.
    let headers = sign_in(&sessions, "ada").await;
    let stream = waiting(&sessions, &headers).await;
    let session = sessions.open(&headers);
    session.sign_out();
    commit(&sessions, &session).await;
    ends_soon(stream).await;
    // From another device, one and all.
    let (headers, other) = (sign_in(&sessions, "ada").await, sign_in(&sessions, "ada").await);
    let stream = waiting(&sessions, &headers).await;
    let id = sessions.open(&headers).id().await.unwrap().unwrap();
    assert!(sessions.open(&other).revoke(id).await.unwrap());
    ends_soon(stream).await;
    let stream = waiting(&sessions, &other).await;
    sessions.revoke_all("ada").await.unwrap();
    ends_soon(stream).await;
    bench.advance(1);
    // By a renewal, after which the session goes on under another cookie.
    let headers = sign_in(&sessions, "ada").await;
    let stream = waiting(&sessions, &headers).await;
    let session = sessions.open(&headers);
    session.renew();
    commit(&sessions, &session).await;
    ends_soon(stream).await;
    // Another user's end is none of theirs; and nobody's session has ended already.
    let headers = sign_in(&sessions, "ada").await;
    let stream = waiting(&sessions, &headers).await;
    sessions.revoke_all("bob").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!stream.is_finished());
    stream.abort();
    sessions.open(&HeaderMap::new()).ended().await.unwrap();
}

/// A store that fails is no end.
pub async fn a_failing_store_does_not_end_a_stream(bench: &Bench) {
    let sessions = bench.sessions();
    let headers = sign_in(&sessions, "ada").await;
    let stream = waiting(&sessions, &headers).await;
    bench.probe.set_down(true);
    let session = sessions.open(&headers);
    session.sign_out();
    assert!(sessions.commit(&session, StatusCode::OK, &mut HeaderMap::new()).await.is_err());
    assert!(sessions.revoke_all("ada").await.is_err());
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!stream.is_finished());
    bench.probe.set_down(false);
    let session = sessions.open(&headers);
    session.sign_out();
    commit(&sessions, &session).await;
    tokio::time::timeout(Duration::from_secs(5), stream).await.unwrap().unwrap();
}

pub async fn a_session_is_read_anew_on_request(bench: &Bench) {
    let sessions = bench.sessions();
    let headers = sign_in(&sessions, "ada").await;
    let (reader, writer) = (sessions.open(&headers), sessions.open(&headers));
    assert_eq!(reader.get::<i32>("n").await.unwrap(), None);
    writer.insert("n", 1).unwrap();
    commit(&sessions, &writer).await;
    reader.insert("own", true).unwrap();
    assert_eq!(reader.get::<i32>("n").await.unwrap(), None);
    reader.refresh().await.unwrap();
    assert_eq!(reader.get::<i32>("n").await.unwrap(), Some(1));
    assert_eq!(reader.get::<bool>("own").await.unwrap(), Some(true), "what is recorded stays");
    sessions.revoke_all("ada").await.unwrap();
    reader.refresh().await.unwrap();
    assert_eq!(reader.subject().await.unwrap(), None);
    sessions.open(&HeaderMap::new()).refresh().await.unwrap();
}

pub async fn the_feed_names_the_sessions_that_ended(bench: &Bench) {
    let sessions = bench.sessions();
    let window = Duration::from_secs(600);
    let (gone, renewed, live) =
        (sign_in(&sessions, "ada").await, sign_in(&sessions, "bob").await, sign_in(&sessions, "eve").await);
    let mut ids: Vec<RowId> = Vec::new();
    for headers in [&gone, &renewed, &live] {
        ids.push(sessions.open(headers).id().await.unwrap().unwrap());
    }
    bench.advance(5);
    let session = sessions.open(&gone);
    session.sign_out();
    commit(&sessions, &session).await;
    let session = sessions.open(&renewed);
    session.renew();
    commit(&sessions, &session).await;
    sessions.revoke_all("nobody").await.unwrap();
    let open =
        |feed: &waxseal_http::EndedFeed| bench.keyring().open_feed("__Host-session", feed.bytes().to_vec()).unwrap();
    let made = sessions.ended_feed(window).await.unwrap();
    let feed = open(&made);
    assert_eq!((feed.len(), feed.as_of()), (2, bench.now()));
    assert!(feed.contains(&ids[0]) && feed.contains(&ids[1]) && !feed.contains(&ids[2]));
    // At most once a second, whoever asks.
    bench.probe.take_calls();
    for _ in 0..100 {
        assert_eq!(sessions.ended_feed(window).await.unwrap(), made);
    }
    assert_eq!(bench.probe.take_calls().total(), 0);
    assert!(made.is_matched_by(Some(&HeaderValue::from_str(&format!("\"x\", W/{}", made.etag())).unwrap())));
    bench.advance(2);
    let later = sessions.ended_feed(window).await.unwrap();
    assert_ne!(later.etag(), made.etag());
    assert!(!later.is_matched_by(Some(&HeaderValue::from_str(&made.etag()).unwrap())));
    bench.advance(601);
    assert!(open(&sessions.ended_feed(window).await.unwrap()).is_empty());
}
