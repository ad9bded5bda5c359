//! A WebSocket that ends at sign-out, in Salvo.

// --- on the page ---
use salvo::{prelude::*, websocket::WebSocketUpgrade};
use waxseal::salvo::SignedIn;

#[handler]
pub async fn chat(user: SignedIn, req: &mut Request, res: &mut Response) -> Result<(), StatusError> {
    let upgrade = WebSocketUpgrade::new();
    upgrade
        .upgrade(req, res, async move |mut socket| {
            let ended = user.session.ended();
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
            let _ = socket.close().await;
        })
        .await
}
