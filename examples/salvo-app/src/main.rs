//! A Salvo application with encrypted sessions in a database: `cargo run -p waxseal-example-salvo`.
//!
//! `examples/shared` sets up the sessions. This crate has only what is specific to Salvo.

#![forbid(unsafe_code)]

mod routes;

use std::{error::Error, process::ExitCode, sync::Arc, time::Duration};

use salvo::{Listener, Router, Server, conn::TcpListener};
use waxseal_example_shared::{Config, ENDED_SESSIONS, FEED_WINDOW, sessions, stop_signal};
use waxseal_salvo::{EndedFeed, SessionHoop};

#[tokio::main]
async fn main() -> ExitCode {
    waxseal_example_shared::run(serve()).await
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let config = Arc::new(Config::from_env()?);
    let (sessions, _sweeper) = sessions(&config).await?;
    let pages = Router::new()
        .hoop(routes::same_site_only)
        .hoop(SessionHoop::new(sessions.clone()))
        .push(routes::routes(config.clone()));
    let feed = Router::with_path(ENDED_SESSIONS.trim_start_matches('/')).get(EndedFeed::new(sessions, FEED_WINDOW));
    let app = Router::new().push(feed).push(pages);

    let acceptor = TcpListener::new(config.address.clone()).try_bind().await?;
    tracing::info!("listening on http://{}", config.address);
    let server = Server::new(acceptor);
    let handle = server.handle();
    tokio::spawn(async move {
        stop_signal().await;
        handle.stop_graceful(Duration::from_secs(10));
    });
    server.try_serve(app).await?;
    Ok(())
}
