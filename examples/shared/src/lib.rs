//! What the example applications share: everything but the framework. Its set-up is [`sessions`]; what the routes do is in
//! [`actions`], over the session that every framework hands out.

#![forbid(unsafe_code)]
#![allow(missing_docs)]

pub mod actions;
mod answer;
mod clock;
mod config;
mod database;
mod device;
pub mod live;
mod page;
mod spans;
mod stop;

use std::{error::Error, future::Future, process::ExitCode, sync::Arc, time::Duration};

pub use answer::Answer;
pub use clock::ExampleClock;
pub use config::Config;
pub use database::cached;
use sea_orm_migration::MigratorTrait;
pub use stop::{live_ended, stop, stop_signal};
use waxseal_http::{CookieOptions, Keyring, Sessions};
use waxseal_sea_orm::{Migrator, SeaOrmStore, Sweeper, SweeperGuard};

/// Where workers at the edge fetch the feed of ended sessions.
pub const ENDED_SESSIONS: &str = "/ended-sessions";

/// How far back the feed reaches: 10 minutes. It can prove tickets that are up to 570 seconds old.
pub const FEED_WINDOW: Duration = Duration::from_secs(600);

/// The sessions as the environment configures them, and the guard of the sweeper, which runs until the guard is dropped.
pub async fn sessions(config: &Config) -> Result<(Sessions, SweeperGuard), Box<dyn Error>> {
    let keyring = Keyring::from_text(&config.keys()?)?;
    let db = database::connect(&config.database_url).await?;
    Migrator::up(&db, None).await?;
    let store = SeaOrmStore::new(db.clone());
    let sweeper = Sweeper::new(store.clone()).clock(config.clock.clone()).spawn();
    let store = if config.cache { database::cached(&db, store).await? } else { Arc::new(store) };
    let cookie = match config.secure_cookie {
        true => CookieOptions::new(),
        false => CookieOptions::insecure_for_plain_http_development(),
    };
    let sessions = Sessions::builder(keyring, store)
        .cookie(cookie)
        .idle_timeout(config.idle_timeout)
        .lifetime(config.lifetime)
        // A remembered session may last longer than others.
        .max_lifetime(config.lifetime.max(config.remember))
        .touch_interval(config.touch_interval)
        .claims(["role"])
        .clock(config.clock.clone())
        .build()?;
    Ok((sessions, sweeper))
}

/// Sets up logging, runs the application, and turns its result into an exit code.
pub async fn run(application: impl Future<Output = Result<(), Box<dyn Error>>>) -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "info,sqlx=warn,sea_orm_migration=warn,salvo=warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).init();
    match application.await {
        Ok(()) => {
            stop::live_ended().await;
            tracing::info!("stopped");
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}
