//! The sessions: their settings, and the layer around all routes.

use std::time::Duration;

use loco_rs::prelude::*;
use serde::Deserialize;
use waxseal::{
    CookieOptions, Keyring, Sessions,
    axum::SessionLayer,
    sea_orm::{SeaOrmStore, Sweeper},
};

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
    cache: bool,
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
        let keyring = Keyring::from_text(&settings.keys)
            .map_err(|error| Error::string(&format!("settings.sessions.keys (WAXSEAL_KEYS): {error}")))?;
        let cookie = match settings.secure_cookie {
            true => CookieOptions::new(),
            false => CookieOptions::insecure_for_plain_http_development(),
        };
        let store = SeaOrmStore::new(ctx.db.clone());
        if settings.sweep_every > 0 {
            let sweeper = Sweeper::new(store.clone()).interval(Duration::from_secs(settings.sweep_every));
            let sweeper = sweeper.clock(crate::example::clock(ctx)?);
            ctx.shared_store.insert(sweeper.spawn()); // the sweeper runs as long as this guard is kept
        }
        let store = crate::example::cached(store, settings.cache, ctx).await?;
        let sessions = Sessions::builder(keyring, store)
            .cookie(cookie)
            .idle_timeout(Duration::from_secs(settings.idle_timeout))
            .lifetime(Duration::from_secs(settings.lifetime))
            // A remembered session may last longer than others.
            .max_lifetime(Duration::from_secs(settings.lifetime.max(settings.remember)))
            .touch_interval(settings.touch_interval())
            .claims(["role"])
            .clock(crate::example::clock(ctx)?)
            .build()
            .map_err(Error::msg)?;
        // For workers and tasks. Handlers can extract them with `SubjectSessions`, for example to end the sessions of any user.
        ctx.shared_store.insert(sessions.clone());
        Ok(router.layer(SessionLayer::new(sessions)))
    }
}

impl SessionSettings {
    /// A minute, or a tenth of the idle timeout where that is shorter.
    fn touch_interval(&self) -> Duration {
        Duration::from_secs(self.touch_interval.unwrap_or(60.min(self.idle_timeout / 10)))
    }
}
