//! A Poem application with encrypted sessions in a database: `cargo run -p waxseal-example-poem`.
//!
//! `examples/shared` sets up the sessions. This crate has only what is specific to Poem.

#![forbid(unsafe_code)]

mod routes;

use std::{error::Error, process::ExitCode, sync::Arc, time::Duration};

use poem::{EndpointExt, Route, Server, listener::TcpListener};
use waxseal_example_shared::{Config, ENDED_SESSIONS, FEED_WINDOW, sessions, stop_signal};
use waxseal_poem::{EndedFeed, SessionMiddleware};

#[tokio::main]
async fn main() -> ExitCode {
    waxseal_example_shared::run(serve()).await
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let config = Arc::new(Config::from_env()?);
    let (sessions, _sweeper) = sessions(&config).await?;
    let pages = routes::routes()
        .data(config.clone())
        .with(SessionMiddleware::new(sessions.clone()))
        .around(routes::same_site_only);
    let app = Route::new().at(ENDED_SESSIONS, EndedFeed::new(sessions, FEED_WINDOW)).nest_no_strip("/", pages);

    tracing::info!("listening on http://{}", config.address);
    let server = Server::new(TcpListener::bind(config.address.clone()));
    server.run_with_graceful_shutdown(app, stop_signal(), Some(Duration::from_secs(10))).await?;
    Ok(())
}
