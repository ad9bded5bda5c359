//! Deletes expired sessions: the task for cron.

use loco_rs::prelude::*;
use waxseal::sea_orm::{SeaOrmStore, Sweeper};

/// The task `sweep_sessions`.
pub(crate) struct SweepTask;

#[async_trait]
impl Task for SweepTask {
    fn task(&self) -> TaskInfo {
        TaskInfo { name: "sweep_sessions".into(), detail: "Deletes expired sessions".into() }
    }

    /// Deletes expired sessions in small batches and prints how many it deleted.
    async fn run(&self, ctx: &AppContext, _: &task::Vars) -> Result<()> {
        let sweeper = Sweeper::new(SeaOrmStore::new(ctx.db.clone()));
        let sweeper = sweeper.clock(crate::example::clock(ctx)?);
        println!("expired sessions deleted: {}", sweeper.sweep().await.map_err(Error::msg)?);
        Ok(())
    }
}
