//! The application: what Loco asks it for.

use std::path::Path;

use loco_rs::{
    app::Hooks,
    boot::{BootResult, StartMode, create_app},
    config::Config,
    controller::AppRoutes,
    environment::Environment,
    prelude::*,
    task::Tasks,
};

use crate::{account, migration::Migrator, sessions::SessionInitializer, sweep::SweepTask};

pub(crate) struct App;

#[async_trait]
impl Hooks for App {
    fn app_name() -> &'static str {
        env!("CARGO_CRATE_NAME")
    }

    async fn boot(mode: StartMode, environment: &Environment, config: Config) -> Result<BootResult> {
        create_app::<Self, Migrator>(mode, environment, config).await
    }

    async fn load_config(environment: &Environment) -> Result<Config> {
        crate::example::load_config(environment)
    }

    async fn after_context(ctx: AppContext) -> Result<AppContext> {
        crate::example::share(&ctx)?;
        Ok(ctx)
    }

    /// Several nodes may start at once: one migrates, the others wait for it.
    async fn before_run(ctx: &AppContext) -> Result<()> {
        Ok(waxseal::sea_orm::up_alone::<Migrator>(&ctx.db).await?)
    }

    async fn initializers(_: &AppContext) -> Result<Vec<Box<dyn Initializer>>> {
        Ok(vec![
            Box::new(SessionInitializer),
            // After the layer, so that the feed has no session.
            Box::new(crate::example::FeedInitializer),
        ])
    }

    fn routes(_: &AppContext) -> AppRoutes {
        AppRoutes::with_default_routes()
            .add_route(account::routes())
            // The page and the routes of all examples.
            .add_route(crate::example::routes::routes())
    }

    async fn connect_workers(_: &AppContext, _: &Queue) -> Result<()> {
        Ok(())
    }

    fn register_tasks(tasks: &mut Tasks) {
        tasks.register(SweepTask);
    }

    async fn on_shutdown(_: &AppContext) {
        waxseal_example_shared::stop();
        waxseal_example_shared::live_ended().await;
    }

    async fn truncate(_: &AppContext) -> Result<()> {
        Ok(())
    }

    async fn seed(_: &AppContext, _: &Path) -> Result<()> {
        Ok(())
    }
}
