//! Stopping the application: the signal, and the streams and WebSockets that it ends.

use std::{sync::LazyLock, time::Duration};

use tokio::{sync::watch, time::timeout};

/// How long the application waits for its WebSockets to be closed.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the application was told to stop. Each receiver belongs to a stream or a WebSocket.
static STOPPING: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));

/// Waits for Ctrl-C, or SIGTERM where there is one, and then ends the live streams, which would never end by themselves.
pub async fn stop_signal() {
    signal().await;
    stop();
}

/// Ends what would never end by itself, for a framework that waits for the signal itself.
pub fn stop() {
    STOPPING.send_replace(true);
}

/// A stream or a WebSocket. The application waits for it when it stops.
pub(crate) struct Live(watch::Receiver<bool>);

impl Live {
    pub(crate) fn new() -> Self {
        Self(STOPPING.subscribe())
    }

    /// Waits until the application was told to stop.
    pub(crate) async fn stop(&mut self) {
        // The sender is never dropped.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}

/// Waits until every stream and WebSocket has ended. A server waits only for its requests, and a WebSocket is not a request.
pub async fn live_ended() {
    let _ = timeout(PATIENCE, STOPPING.closed()).await;
}

async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a handler there is no signal to wait for: the process is ended by its default action.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
