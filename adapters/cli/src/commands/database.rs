//! The table: making it, and sweeping it.

use std::time::Duration;

use serde_json::json;
use waxseal_http::Store;
use waxseal_sea_orm::{Migrator, install_notices};

use crate::{arguments::Settings, failure::Failure, report::Report, settings::now};

pub(super) async fn migrate(settings: &Settings, notices: bool) -> Result<Report, Failure> {
    let (db, table) = (settings.database().await?, settings.table()?);
    Migrator::for_table(table.clone()).up(&db).await?;
    if notices {
        install_notices(&db, &table).await?;
    }
    let done = if notices { "the table and the triggers for its notices are there" } else { "the table is there" };
    Ok(Report::new(format!("{table}: {done}"), json!({ "table": table.to_string(), "notices": notices })))
}

pub(super) async fn sweep(settings: &Settings, batch: u32, pause_ms: u64) -> Result<Report, Failure> {
    let store = settings.store().await?;
    let now = now(&store).await?;
    let batch = batch.max(1);
    let mut swept: u64 = 0;
    loop {
        let deleted = store.delete_expired(now, batch).await?;
        swept += deleted;
        if deleted < u64::from(batch) {
            break;
        }
        if !settings.json {
            eprint!("\r{swept} rows deleted");
        }
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
    }
    if swept >= u64::from(batch) && !settings.json {
        eprintln!();
    }
    Ok(Report::new(format!("{swept} expired rows deleted"), json!({ "deleted": swept })))
}
