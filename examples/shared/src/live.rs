//! Live routes: an event stream and a WebSocket. Both outlast their response, and end with the session.

use std::time::Duration;

use futures_util::{Sink, SinkExt, Stream, StreamExt, stream};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval, timeout};
use waxseal_http::Session;

use crate::stop::Live;

/// How often a stream has something to say.
const TICK: Duration = Duration::from_secs(1);

/// How long a closing frame may take to be sent.
const CLOSING: Duration = Duration::from_secs(1);

/// The longest message that a WebSocket takes.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// An event of a stream.
pub struct Event {
    pub name: &'static str,
    /// JSON.
    pub data: String,
}

/// Why a stream or a WebSocket is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// The session has ended: it was signed out or revoked, here or on another device, renewed, or has expired.
    Ended,
    /// The application stops, or cannot tell whether the session has ended. The client may connect again.
    Away,
}

impl Over {
    fn event(self) -> Event {
        let name = match self {
            Self::Ended => "ended",
            Self::Away => "away",
        };
        Event { name, data: json!({}).to_string() }
    }

    /// The code of the closing frame (RFC 6455, 7.4.1: policy violation, going away), and its reason.
    fn close_code(self) -> (u16, &'static str) {
        match self {
            Self::Ended => (1008, "ended"),
            Self::Away => (1001, "away"),
        }
    }
}

async fn over(session: Session, live: &mut Live) -> Over {
    tokio::select! {
        ended = session.ended() => match ended {
            Ok(()) => Over::Ended,
            Err(error) => {
                tracing::warn!(%error, "could not check whether a session has ended; its stream is closed");
                Over::Away
            }
        },
        () = live.stop() => Over::Away,
    }
}

/// An event `tick` with a number every second. The last event is `ended` if the session has ended, or `away`.
pub fn events(session: &Session) -> impl Stream<Item = Event> + Send + use<> {
    let session = session.clone();
    let over = Box::pin(async move { over(session, &mut Live::new()).await });
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    stream::unfold(Some((over, ticks, 0_u64)), async |going_on| {
        let (mut over, mut ticks, n) = going_on?;
        tokio::select! {
            biased;
            why = &mut over => Some((why.event(), None)),
            _ = ticks.tick() => {
                let tick = Event { name: "tick", data: json!({ "n": n }).to_string() };
                Some((tick, Some((over, ticks, n + 1))))
            }
        }
    })
}

/// Sends every message back until the session has ended. Then the client gets a closing frame, and the socket is closed.
///
/// `is_data` says which of a framework's messages are a client's text or bytes; `close` makes its closing frame.
pub async fn echo<S, M, E>(session: Session, mut socket: S, is_data: fn(&M) -> bool, close: fn(u16, &'static str) -> M)
where
    S: Stream<Item = Result<M, E>> + Sink<M> + Unpin,
{
    let echo = async {
        while let Some(Ok(message)) = socket.next().await {
            if is_data(&message) && socket.send(message).await.is_err() {
                break;
            }
        }
    };
    // Until the closing frame is sent.
    let mut live = Live::new();
    let why = tokio::select! {
        why = over(session, &mut live) => why,
        // The client has left.
        () = echo => return,
    };
    let (code, reason) = why.close_code();
    // A client that reads nothing is not waited for.
    let _ = timeout(CLOSING, socket.send(close(code, reason))).await;
}
