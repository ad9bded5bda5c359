//! What the table holds, in numbers.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};
use serde_json::json;

use super::by_key;
use crate::{
    arguments::Settings,
    failure::Failure,
    report::{Report, table},
    settings::now,
};

/// The ages that are counted: the upper limit in seconds, and the name.
const AGES: [(u64, &str); 5] = [
    (3600, "under an hour"),
    (24 * 3600, "under a day"),
    (7 * 24 * 3600, "under a week"),
    (30 * 24 * 3600, "under a month"),
    (u64::MAX, "older"),
];

pub(super) async fn count(settings: &Settings) -> Result<Report, Failure> {
    let store = settings.store().await?;
    let (db, now) = (store.connection(), now(&store).await?);
    let backend = db.get_database_backend();
    let name = settings.table()?.quoted(backend);
    let seconds = now.unix_seconds();
    let query = async |sql: String| db.query_all_raw(Statement::from_string(backend, sql)).await;
    let live = format!("generation > 0 AND expires_at > {seconds}");

    let signed_in = number(&query(format!("SELECT COUNT(*) FROM {name} WHERE {live} AND subject IS NOT NULL")).await?)?;
    let anonymous = number(&query(format!("SELECT COUNT(*) FROM {name} WHERE {live} AND subject IS NULL")).await?)?;
    let ended = number(&query(format!("SELECT COUNT(*) FROM {name} WHERE generation = 0")).await?)?;
    let unswept = number(&query(format!("SELECT COUNT(*) FROM {name} WHERE expires_at <= {seconds}")).await?)?;
    let bytes =
        number(&query(format!("SELECT CAST(COALESCE(SUM(LENGTH(data)), 0) AS {}) FROM {name}", int(backend))).await?)?;

    let mut ages = Vec::new();
    let mut younger = u64::MAX;
    for (bound, called) in AGES {
        let since = now.unix_ms().saturating_sub(bound.saturating_mul(1000));
        let before = if younger == u64::MAX { i64::MAX as u64 } else { younger };
        let sql =
            format!("SELECT COUNT(*) FROM {name} WHERE {live} AND created_at > {since} AND created_at <= {before}");
        ages.push((called, number(&query(sql).await?)?));
        younger = since;
    }

    let keys = by_key::live(db, &name, now).await?;
    let ids: Vec<String> = match settings.keys_text()? {
        Some(text) => waxseal_core::Keyring::from_text(&text)?.key_ids().map(|id| id.to_string()).collect(),
        None => Vec::new(),
    };
    // The keys are ordered from the newest to the oldest.
    let oldest = ids.iter().rev().find(|id| keys.contains_key(*id)).cloned();

    let mut lines: Vec<Vec<String>> = vec![
        vec!["live, signed in".into(), signed_in.to_string()],
        vec!["live, nobody signed in".into(), anonymous.to_string()],
    ];
    lines.extend(ages.iter().map(|(called, count)| vec![format!("  {called}"), count.to_string()]));
    lines.push(vec!["ended (tombstones)".into(), ended.to_string()]);
    lines.push(vec!["to be swept".into(), unswept.to_string()]);
    lines.push(vec!["bytes of data".into(), bytes.to_string()]);
    for (id, count) in &keys {
        let known = match ids.iter().position(|known| known == id) {
            Some(0) => "primary",
            Some(_) => "accepted",
            None if ids.is_empty() => "",
            None => "NOT among the keys",
        };
        lines.push(vec![format!("key {id} {known}").trim_end().into(), count.to_string()]);
    }
    let json = json!({
        "signed_in": signed_in, "anonymous": anonymous, "ended": ended, "unswept": unswept, "bytes": bytes,
        "ages": ages.iter().map(|(called, count)| ((*called).to_owned(), json!(count))).collect::<serde_json::Map<_, _>>(),
        "keys": keys, "oldest_key_in_use": oldest,
    });
    Ok(Report::new(table(&["sessions", ""], &lines), json))
}

const fn int(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::MySql => "SIGNED",
        _ => "BIGINT",
    }
}

fn number(rows: &[QueryResult]) -> Result<i64, Failure> {
    rows.first().map_or(Ok(0), |row| Ok(row.try_get_by_index(0)?))
}
