//! A Poem application with encrypted sessions in a database: `cargo run -p waxseal-example-poem`.
//!
//! The set-up is in this file, ten lines from the keyring to the running server; the handlers are in `routes`.

#![forbid(unsafe_code)]

mod config;
mod database;
mod device;
mod page;
mod routes;

use std::{error::Error, process::ExitCode, time::Duration};

use config::Config;
use poem::{EndpointExt, Server, listener::TcpListener};
use sea_orm_migration::MigratorTrait;
use waxseal_poem::{CookieOptions, Keyring, SessionMiddleware, Sessions};
use waxseal_sea_orm::{Migrator, SeaOrmStore, Sweeper};

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "info,sqlx=warn,sea_orm_migration=warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let config = Config::from_env()?;

    let keyring = Keyring::from_text(&config.keys()?)?;
    let db = database::connect(&config.database_url).await?;
    Migrator::up(&db, None).await?;
    let store = SeaOrmStore::new(db);
    let _sweeper = Sweeper::new(store.clone()).spawn();
    let cookie = match config.secure_cookie {
        true => CookieOptions::new(),
        false => CookieOptions::insecure_for_plain_http_development(),
    };
    let sessions = Sessions::builder(keyring, store)
        .cookie(cookie)
        .idle_timeout(config.idle_timeout)
        .lifetime(config.lifetime)
        .touch_interval(config.touch_interval)
        .claims(["role"])
        .build()?;
    let app = routes::routes().with(SessionMiddleware::new(sessions)).around(routes::same_site_only);

    tracing::info!("listening on http://{}", config.address);
    Server::new(TcpListener::bind(config.address.clone()))
        .run_with_graceful_shutdown(app, stop_signal(), Some(Duration::from_secs(10)))
        .await?;
    tracing::info!("stopped");
    Ok(())
}

/// Ctrl-C, or SIGTERM where there is one.
async fn stop_signal() {
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
