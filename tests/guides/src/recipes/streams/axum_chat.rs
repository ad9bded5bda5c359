//! A WebSocket that ends at sign-out, in axum.

// --- on the page ---
use axum::{
    extract::ws::{Message, WebSocketUpgrade},
    response::Response,
};
use waxseal::axum::SignedIn;

pub async fn chat(SignedIn { session, .. }: SignedIn, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |mut socket| {
        let ended = session.ended();
        tokio::pin!(ended);
        loop {
            tokio::select! {
                _ = &mut ended => break,
                message = socket.recv() => match message {
                    Some(Ok(message)) => { if socket.send(message).await.is_err() { break } }
                    _ => break,
                },
            }
        }
        let _ = socket.send(Message::Close(None)).await;
    })
}
