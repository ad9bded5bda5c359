//! Server-Sent Events that end at sign-out, in axum.

// --- on the page ---
use axum::{
    extract::State,
    response::sse::{Event, Sse},
};
use futures_util::{Stream, StreamExt, stream};
use std::convert::Infallible;
use tokio::sync::broadcast;
use waxseal::axum::SignedIn;

pub async fn events(
    SignedIn { session, .. }: SignedIn,
    State(news): State<broadcast::Sender<String>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let news = stream::unfold(news.subscribe(), async |mut news| Some((news.recv().await.ok()?, news)));
    let until_sign_out = news.take_until(async move { session.ended().await });
    Sse::new(until_sign_out.map(|text| Ok(Event::default().data(text))))
}
