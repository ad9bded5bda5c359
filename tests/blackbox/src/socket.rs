//! A client of a WebSocket.

use futures_util::{SinkExt, StreamExt};
use http::{HeaderValue, StatusCode};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

use crate::Client;

/// A WebSocket that is open.
pub(crate) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// The status where the application refuses.
    pub(crate) async fn open(client: &Client, path: &str) -> Result<Self, StatusCode> {
        let mut request = format!("ws://{}{path}", client.address).into_client_request().unwrap();
        for (name, value) in client.own_headers() {
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        let stream = TcpStream::connect(&client.address).await.unwrap();
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(refused)) => Err(refused.status()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends a text, and waits until it has come back.
    pub(crate) async fn echo(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
        assert_eq!(self.0.next().await.expect("the socket is open").unwrap(), Message::text(text));
    }

    /// Waits for the closing frame and the end of the connection; the frame's code and reason.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        let mut frame = None;
        while let Some(Ok(message)) = self.0.next().await {
            match message {
                Message::Close(Some(close)) => frame = Some((close.code.into(), close.reason.to_string())),
                message => panic!("{message:?}"),
            }
        }
        frame.expect("a closing frame with a code")
    }
}
