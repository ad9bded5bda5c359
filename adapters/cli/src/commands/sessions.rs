//! A user's sessions: listing and ending them.

use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use waxseal_http::{RowId, Store};

use crate::{
    arguments::Settings,
    failure::Failure,
    report::{Report, table},
    settings::{now, sessions},
    when,
};

/// How many sessions one statement ends.
const BATCH: u64 = 200;

pub(super) async fn list(settings: &Settings, subject: &str) -> Result<Report, Failure> {
    let sessions = sessions(settings.store().await?)?;
    let mut all = sessions.list(subject).await?;
    while let Some(last) = all.last().cloned() {
        let more = sessions.list_after(subject, &last).await?;
        if more.is_empty() {
            break;
        }
        all.extend(more);
    }
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|info| {
            let times = &info.times;
            let ends = times.expires_at.min(times.deadline);
            let label = info.label.clone().unwrap_or_default();
            vec![info.id.to_string(), when::at(times.created_at), when::at(times.last_seen_at), when::at(ends), label]
        })
        .collect();
    let json: Vec<Value> = all
        .iter()
        .map(|info| {
            json!({
                "id": info.id.to_string(),
                "label": info.label,
                "created_at": when::at(info.times.created_at),
                "last_seen_at": when::at(info.times.last_seen_at),
                "expires_at": when::at(info.times.expires_at),
                "deadline": when::at(info.times.deadline),
            })
        })
        .collect();
    let text = match rows.len() {
        0 => "no live sessions".into(),
        _ => table(&["id", "signed in", "last seen", "ends", "device"], &rows),
    };
    Ok(Report::new(text, Value::Array(json)))
}

/// Ends one session by its id, or all sessions of a user.
pub(super) async fn end(settings: &Settings, whose: &str) -> Result<Report, Failure> {
    let store = settings.store().await?;
    if let Ok(id) = whose.parse::<RowId>() {
        let now = now(&store).await?;
        store.end_many(&[id], now).await?;
        return Ok(Report::new("the session has ended", json!({ "ended": 1 })));
    }
    let ended = sessions(store)?.revoke_all(whose).await?;
    Ok(Report::new(format!("{ended} sessions of this user have ended"), json!({ "ended": ended })))
}

/// Ends all sessions of all users, in batches.
pub(super) async fn end_all(settings: &Settings) -> Result<Report, Failure> {
    let store = settings.store().await?;
    let db = store.connection();
    let now = now(&store).await?;
    let sql = format!(
        "SELECT id FROM {} WHERE generation > 0 LIMIT {BATCH}",
        settings.table()?.quoted(db.get_database_backend())
    );
    let mut ended = 0;
    loop {
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql.clone())).await?;
        let ids: Result<Vec<RowId>, _> =
            rows.iter().map(|row| row.try_get_by_index::<sea_orm::prelude::Uuid>(0).map(RowId::from)).collect();
        let ids = ids?;
        if ids.is_empty() {
            break;
        }
        store.end_many(&ids, now).await?;
        ended += ids.len();
        if !settings.json {
            eprint!("\r{ended} sessions have ended");
        }
    }
    if ended > 0 && !settings.json {
        eprintln!();
    }
    Ok(Report::new(format!("all sessions have ended: {ended}"), json!({ "ended": ended })))
}
