//! Server-Sent Events that end at sign-out, in Salvo.

// --- on the page ---
use futures_util::{StreamExt, stream};
use salvo::{
    prelude::*,
    sse::{self, SseEvent},
};
use std::convert::Infallible;
use tokio::sync::broadcast;
use waxseal::salvo::SignedIn;

#[handler]
pub async fn events(user: SignedIn, depot: &mut Depot, res: &mut Response) -> Result<(), StatusError> {
    let news = depot.get_typed::<broadcast::Sender<String>>().map_err(|_| StatusError::internal_server_error())?;
    let news = stream::unfold(news.subscribe(), async |mut news| Some((news.recv().await.ok()?, news)));
    let until_sign_out = news.take_until(async move { user.session.ended().await });
    sse::stream(res, until_sign_out.map(|text| Ok::<_, Infallible>(SseEvent::default().text(text))));
    Ok(())
}
