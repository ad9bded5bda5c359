//! A WebSocket that ends at sign-out, in Poem.

// --- on the page ---
use futures_util::{SinkExt, StreamExt};
use poem::{
    IntoResponse, handler,
    web::websocket::{Message, WebSocket},
};
use waxseal::poem::SignedIn;

#[handler]
pub fn chat(SignedIn { session, .. }: SignedIn, websocket: WebSocket) -> impl IntoResponse {
    websocket.on_upgrade(async move |mut socket| {
        let ended = session.ended();
        tokio::pin!(ended);
        loop {
            tokio::select! {
                _ = &mut ended => break,
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => { if socket.send(Message::text(text)).await.is_err() { break } }
                    Some(Ok(_)) => {}
                    _ => break,
                },
            }
        }
        let _ = socket.close().await;
    })
}
