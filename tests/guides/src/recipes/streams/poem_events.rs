//! Server-Sent Events that end at sign-out, in Poem.

// --- on the page ---
use futures_util::{StreamExt, stream};
use poem::{
    handler,
    web::{
        Data,
        sse::{Event, SSE},
    },
};
use tokio::sync::broadcast;
use waxseal::poem::SignedIn;

#[handler]
pub fn events(SignedIn { session, .. }: SignedIn, news: Data<&broadcast::Sender<String>>) -> SSE {
    let news = stream::unfold(news.subscribe(), async |mut news| Some((news.recv().await.ok()?, news)));
    let until_sign_out = news.take_until(async move { session.ended().await });
    SSE::new(until_sign_out.map(Event::message))
}
