//! What the example has beyond `docs/loco.md`: the page and the routes of all examples, how it is configured without any
//! preparation, and a clock for tests.

pub(crate) mod routes;

use std::{path::Path, sync::Arc};

use loco_rs::{
    app::Hooks,
    boot::{self, ServeParams, StartMode},
    config::Config,
    environment::{Environment, resolve_from_env},
    logger,
    prelude::*,
};
use waxseal::{Sessions, Store, axum::EndedFeed, sea_orm::SeaOrmStore};
use waxseal_example_shared as shared;

use crate::app::App;

/// The configuration that the examples share, in Loco's shared store.
#[derive(Clone)]
pub(crate) struct Shared(Arc<shared::Config>);

pub(crate) fn share(ctx: &AppContext) -> Result<()> {
    ctx.shared_store.insert(Shared(Arc::new(shared::Config::from_env().map_err(Error::msg)?)));
    Ok(())
}

/// The operating system's clock; tests move it.
pub(crate) fn clock(ctx: &AppContext) -> Result<shared::ExampleClock> {
    let shared: Shared = ctx.shared_store.get().ok_or(Error::InternalServerError)?;
    Ok(shared.0.clock.clone())
}

/// The store, with a cache of rows around it if the settings ask for one.
pub(crate) async fn cached(store: SeaOrmStore, cache: bool, ctx: &AppContext) -> Result<Arc<dyn Store>> {
    Ok(if cache { shared::cached(&ctx.db, store).await? } else { Arc::new(store) })
}

/// The feed of ended sessions, for workers at the edge.
pub(crate) struct FeedInitializer;

#[async_trait]
impl Initializer for FeedInitializer {
    fn name(&self) -> String {
        "ended-sessions".into()
    }

    async fn after_routes(&self, router: axum::Router, ctx: &AppContext) -> Result<axum::Router> {
        let sessions: Sessions = ctx.shared_store.get().ok_or(Error::InternalServerError)?;
        Ok(router.route_service(shared::ENDED_SESSIONS, EndedFeed::new(sessions, shared::FEED_WINDOW)))
    }
}

/// Starts without a command, as the other examples do.
pub(crate) async fn start() -> Result<()> {
    let environment = Environment::from(resolve_from_env());
    let config = App::load_config(&environment).await?;
    logger::init::<App>(&config.logger)?;
    let serve = ServeParams { port: config.server.port, binding: config.server.binding.clone() };
    let booted = App::boot(StartMode::ServerOnly, &environment, config).await?;
    tracing::info!("listening on http://{}:{}", serve.binding, serve.port);
    boot::start::<App>(booted, serve, true).await
}

/// The YAML, from any working folder. Wrong values are refused with the messages of the other examples. Where `WAXSEAL_KEYS` is
/// not set in development, the first run makes a key.
pub(crate) fn load_config(environment: &Environment) -> Result<Config> {
    let shared = shared::Config::from_env().map_err(Error::msg)?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let mut config = match Path::new("config").is_dir() {
        true => environment.load()?,
        false => environment.load_from_folder(&folder)?,
    };
    if *environment == Environment::Development
        && let Some(keys) = config.settings.as_mut().and_then(|settings| settings.pointer_mut("/sessions/keys"))
    {
        *keys = shared.keys().map_err(Error::msg)?.into();
    }
    Ok(config)
}
