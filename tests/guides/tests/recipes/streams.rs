//! Streams that end at sign-out, in each framework, over real sockets.

use std::{net::SocketAddr, time::Duration};

use axum::http::HeaderValue;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::broadcast,
};
use waxseal::{
    MemoryStore, Sessions, axum as for_axum, poem as for_poem, salvo as for_salvo,
    testing::{self, TestClock},
};
use waxseal_guides::recipes::streams::{axum_chat, axum_events, poem_chat, poem_events, salvo_chat, salvo_events};

use crate::browser::builder;

/// How long a test waits before it says that something does not come.
const LONG: Duration = Duration::from_secs(10);

struct Server {
    address: SocketAddr,
    sessions: Sessions,
    news: broadcast::Sender<String>,
    cookie: HeaderValue,
}

#[derive(Clone, Copy, Debug)]
enum Framework {
    Poem,
    Salvo,
    Axum,
}

impl Server {
    async fn start(framework: Framework) -> Self {
        let sessions = builder(MemoryStore::new(), &TestClock::new()).build().unwrap();
        let cookie = testing::signed_in(&sessions, "ada").await.unwrap();
        let news = broadcast::channel(8).0;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        match framework {
            Framework::Poem => drop(tokio::spawn(poem(listener, sessions.clone(), news.clone()))),
            Framework::Salvo => drop(tokio::spawn(salvo(listener, sessions.clone(), news.clone()))),
            Framework::Axum => drop(tokio::spawn(axum(listener, sessions.clone(), news.clone()))),
        }
        Self { address, sessions, news, cookie }
    }

    /// Sends a GET with the user's cookie.
    async fn get(&self, path: &str, headers: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let cookie = self.cookie.to_str().unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\ncookie: {cookie}\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }
}

async fn poem(listener: TcpListener, sessions: Sessions, news: broadcast::Sender<String>) {
    use poem::{EndpointExt, Route, get};
    let routes = Route::new().at("/events", get(poem_events::events)).at("/chat", get(poem_chat::chat));
    let app = routes.data(news).with(for_poem::SessionMiddleware::new(sessions));
    let acceptor = poem::listener::TcpAcceptor::from_tokio(listener).unwrap();
    poem::Server::new_with_acceptor(acceptor).run(app).await.unwrap();
}

async fn salvo(listener: TcpListener, sessions: Sessions, news: broadcast::Sender<String>) {
    use salvo::{Router, Server, conn::tcp::TcpAcceptor, prelude::affix_state};
    let router = Router::new()
        .hoop(affix_state::inject(news))
        .hoop(for_salvo::SessionHoop::new(sessions))
        .push(Router::with_path("events").get(salvo_events::events))
        .push(Router::with_path("chat").get(salvo_chat::chat));
    Server::new(TcpAcceptor::try_from(listener).unwrap()).serve(router).await;
}

async fn axum(listener: TcpListener, sessions: Sessions, news: broadcast::Sender<String>) {
    use axum::{Router, routing::get};
    let routes = Router::new().route("/events", get(axum_events::events)).route("/chat", get(axum_chat::chat));
    let app = routes.with_state(news).layer(for_axum::SessionLayer::new(sessions));
    axum::serve(listener, app).await.unwrap();
}

/// Reads until the bytes read contain `wanted`.
async fn read_until(stream: &mut TcpStream, wanted: &[u8]) -> Vec<u8> {
    let mut read = Vec::new();
    while !read.windows(wanted.len()).any(|window| window == wanted) {
        let byte = tokio::time::timeout(LONG, stream.read_u8()).await.expect("an answer").expect("more bytes");
        read.push(byte);
    }
    read
}

/// An error where nothing more has come after a moment: the stream runs.
async fn expect_silence(stream: &mut TcpStream) {
    let more = tokio::time::timeout(Duration::from_millis(100), stream.read_u8()).await;
    assert!(more.is_err(), "{more:?} came although the user is signed in");
}

#[tokio::test]
async fn an_event_stream_ends_when_the_user_is_signed_out_elsewhere() {
    for framework in [Framework::Poem, Framework::Salvo, Framework::Axum] {
        let server = Server::start(framework).await;
        let mut stream = server.get("/events", "").await;
        let head = read_until(&mut stream, b"\r\n\r\n").await;
        assert!(head.starts_with(b"HTTP/1.1 200"), "{framework:?}: {}", String::from_utf8_lossy(&head));
        server.news.send("hello".into()).unwrap();
        read_until(&mut stream, b"hello\n\n").await;
        read_until(&mut stream, b"\r\n").await;
        expect_silence(&mut stream).await;
        server.sessions.revoke_all("ada").await.unwrap();
        // The last chunk: the response is complete.
        assert_eq!(read_until(&mut stream, b"0\r\n\r\n").await, b"0\r\n\r\n", "{framework:?}");

        let mut again = server.get("/events", "").await;
        assert!(read_until(&mut again, b"\r\n\r\n").await.starts_with(b"HTTP/1.1 401"), "{framework:?}");
    }
}

#[tokio::test]
async fn a_websocket_ends_when_the_user_is_signed_out_elsewhere() {
    const HANDSHAKE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for framework in [Framework::Poem, Framework::Salvo, Framework::Axum] {
        let server = Server::start(framework).await;
        let mut stream = server.get("/chat", HANDSHAKE).await;
        let head = read_until(&mut stream, b"\r\n\r\n").await;
        assert!(head.starts_with(b"HTTP/1.1 101"), "{framework:?}: {}", String::from_utf8_lossy(&head));
        // A text frame "hi" with a mask of zeros (RFC 6455, 5.2) comes back as it is, unmasked.
        stream.write_all(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']).await.unwrap();
        assert_eq!(read_until(&mut stream, b"hi").await, [0x81, 2, b'h', b'i'], "{framework:?}");
        expect_silence(&mut stream).await;
        server.sessions.revoke_all("ada").await.unwrap();
        // A close frame.
        assert_eq!(read_until(&mut stream, &[0x88]).await, [0x88], "{framework:?}");
    }
}
