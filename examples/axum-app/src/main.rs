//! An axum application with encrypted sessions in a database: `cargo run -p waxseal-example-axum`.
//!
//! `examples/shared` sets up the sessions. This crate has only what is specific to axum.

#![forbid(unsafe_code)]

mod routes;

use std::{error::Error, process::ExitCode, sync::Arc};

use tokio::net::TcpListener;
use waxseal_example_shared::{Config, ENDED_SESSIONS, FEED_WINDOW, sessions, stop_signal};
use waxseal_tower::{EndedFeed, SessionLayer};

#[tokio::main]
async fn main() -> ExitCode {
    waxseal_example_shared::run(serve()).await
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let config = Arc::new(Config::from_env()?);
    let (sessions, _sweeper) = sessions(&config).await?;
    let app = routes::routes(config.clone())
        .layer(SessionLayer::new(sessions.clone()))
        .layer(axum::middleware::from_fn(routes::same_site_only))
        .route_service(ENDED_SESSIONS, EndedFeed::new(sessions, FEED_WINDOW));

    let listener = TcpListener::bind(&config.address).await?;
    tracing::info!("listening on http://{}", config.address);
    axum::serve(listener, app).with_graceful_shutdown(stop_signal()).await?;
    Ok(())
}
