//! The end of the application: who asks for it, and who is told.

use std::sync::LazyLock;

use tokio::sync::watch;

/// Whether the application was told to stop.
static STOPPING: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));

/// Waits for Ctrl-C, or SIGTERM where there is one, and then ends what would never end by itself: live streams.
pub async fn stop_signal() {
    signal().await;
    stop();
}

/// Ends what would never end by itself, for a framework that waits for the signal itself.
pub fn stop() {
    STOPPING.send_replace(true);
}

/// Waits until the application was told to stop.
pub(crate) async fn begun() {
    // The sender is never dropped.
    let _ = STOPPING.subscribe().wait_for(|stopping| *stopping).await;
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
