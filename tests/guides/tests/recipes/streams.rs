//! An event stream that ends at sign-out, as on the page "Streams".

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::{Request, header},
    response::sse::{Event, Sse},
    routing::get,
};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::broadcast;
use tower::ServiceExt;
use waxseal::{
    MemoryStore,
    axum::{SessionLayer, SignedIn},
    testing::{self, TestClock},
};

use crate::browser::builder;

type News = broadcast::Sender<String>;

async fn events(
    SignedIn { session, .. }: SignedIn,
    State(news): State<News>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let news = stream::unfold(news.subscribe(), async |mut news| Some((news.recv().await.ok()?, news)));
    let until_sign_out = news.take_until(async move { session.ended().await });
    Sse::new(until_sign_out.map(|text| Ok(Event::default().data(text))))
}

#[tokio::test]
async fn the_stream_ends_when_the_user_is_signed_out_elsewhere() {
    let sessions = builder(MemoryStore::new(), &TestClock::new()).build().unwrap();
    let (news, _) = broadcast::channel(8);
    let app = Router::new().route("/", get(events)).with_state(news.clone()).layer(SessionLayer::new(sessions.clone()));
    let cookie = testing::signed_in(&sessions, "ada").await.unwrap();
    let request = Request::get("/").header(header::COOKIE, cookie).body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    let body = tokio::spawn(to_bytes(response.into_body(), 1000));
    while news.send("hello".into()).is_err() {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!body.is_finished(), "it runs while she is signed in");
    sessions.revoke_all("ada").await.unwrap();
    let body = tokio::time::timeout(Duration::from_secs(5), body).await.expect("it ends with the session");
    assert_eq!(body.unwrap().unwrap(), "data: hello\n\n");
}
