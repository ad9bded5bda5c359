//! Deletes expired sessions: a task for cron, and a background worker.

use std::time::Duration;

use loco_rs::prelude::*;
use serde::{Deserialize, Serialize};
use waxseal::sea_orm::{SeaOrmStore, Sweeper};

/// Deletes what has expired, in small batches. Returns how many sessions that were.
async fn sweep(ctx: &AppContext) -> Result<u64> {
    let sweeper = Sweeper::new(SeaOrmStore::new(ctx.db.clone()));
    let sweeper = sweeper.clock(crate::example::clock(ctx)?);
    sweeper.sweep().await.map_err(Error::msg)
}

/// The task `sweep_sessions`.
pub(crate) struct SweepTask;

#[async_trait]
impl Task for SweepTask {
    fn task(&self) -> TaskInfo {
        TaskInfo { name: "sweep_sessions".into(), detail: "Deletes expired sessions".into() }
    }

    async fn run(&self, ctx: &AppContext, _: &task::Vars) -> Result<()> {
        println!("expired sessions deleted: {}", sweep(ctx).await?);
        Ok(())
    }
}

/// The same as a job.
pub(crate) struct SweepWorker {
    ctx: AppContext,
}

/// The arguments of a sweep: there are none.
#[derive(Deserialize, Serialize)]
pub(crate) struct Sweep {}

#[async_trait]
impl BackgroundWorker<Sweep> for SweepWorker {
    fn build(ctx: &AppContext) -> Self {
        Self { ctx: ctx.clone() }
    }

    async fn perform(&self, _: Sweep) -> Result<()> {
        let deleted = sweep(&self.ctx).await?;
        tracing::info!(deleted, "expired sessions deleted");
        Ok(())
    }
}

/// Gives the worker a sweep after each `interval`, for as long as the application runs. Zero: never.
pub(crate) fn every(interval: Duration, ctx: &AppContext) {
    if interval.is_zero() {
        return;
    }
    let ctx = ctx.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(interval).await;
            if let Err(error) = SweepWorker::perform_later(&ctx, Sweep {}).await {
                tracing::error!(%error, "expired sessions were not deleted");
            }
        }
    });
}
