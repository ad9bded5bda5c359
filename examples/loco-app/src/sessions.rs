//! The sessions: their settings, and the layer around all routes.

use std::time::Duration;

use loco_rs::prelude::*;
use serde::Deserialize;
use waxseal::{
    CookieOptions, Keyring, Sessions,
    axum::{EndedFeed, SessionLayer},
    sea_orm::SeaOrmStore,
};
use waxseal_example_shared::{ENDED_SESSIONS, FEED_WINDOW};

use crate::{example::Shared, sweep};

/// `settings` in `config/*.yaml`.
#[derive(Deserialize)]
struct Settings {
    sessions: SessionSettings,
}

/// Times are in seconds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionSettings {
    keys: String,
    idle_timeout: u64,
    lifetime: u64,
    touch_interval: Option<u64>,
    remember: u64,
    secure_cookie: bool,
    sweep_every: u64,
}

pub(crate) struct SessionInitializer;

#[async_trait]
impl Initializer for SessionInitializer {
    fn name(&self) -> String {
        "sessions".into()
    }

    async fn after_routes(&self, router: axum::Router, ctx: &AppContext) -> Result<axum::Router> {
        let Settings { sessions: settings } = ctx.config.settings()?;
        let keyring = Keyring::from_text(&settings.keys).map_err(Error::msg)?;
        let cookie = match settings.secure_cookie {
            true => CookieOptions::new(),
            false => CookieOptions::insecure_for_plain_http_development(),
        };
        let sessions = Sessions::builder(keyring, SeaOrmStore::new(ctx.db.clone()))
            .cookie(cookie)
            .idle_timeout(Duration::from_secs(settings.idle_timeout))
            .lifetime(Duration::from_secs(settings.lifetime))
            // "Remember me" may last longer than a session does without it.
            .max_lifetime(Duration::from_secs(settings.lifetime.max(settings.remember)))
            .claims(["role"])
            .clock(Shared::of(ctx)?.clock());
        let sessions = match settings.touch_interval {
            Some(seconds) => sessions.touch_interval(Duration::from_secs(seconds)),
            None => sessions,
        };
        let sessions = sessions
            .build()
            .map_err(Error::msg)?;
        sweep::every(Duration::from_secs(settings.sweep_every), ctx);
        Ok(router
            .layer(SessionLayer::new(sessions.clone()))
            .route_service(ENDED_SESSIONS, EndedFeed::new(sessions, FEED_WINDOW)))
    }
}
