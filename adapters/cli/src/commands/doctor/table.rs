//! The session table: its columns, indexes and keys, and whether expired rows are swept.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};
use waxseal_sea_orm::{SeaOrmStore, Table};

use super::{Finding, broken, ok, warning};
use crate::{arguments::Settings, commands::by_key, settings::now, when};

/// The columns that the migration makes.
const COLUMNS: [&str; 9] =
    ["id", "generation", "subject", "label", "created_at", "lifetime_s", "seen_at", "expires_at", "data"];

/// How late the sweeper may be in addition to the idle timeout, in seconds.
const LATE_S: u64 = 3600;

pub(super) async fn examine(settings: &Settings, store: &SeaOrmStore, idle_timeout_s: u64) -> Vec<Finding> {
    let table = match settings.table() {
        Ok(table) => table,
        Err(error) => return vec![broken("table", error.to_string())],
    };
    let db = store.connection();
    let name = table.quoted(db.get_database_backend());
    let columns = format!("SELECT {} FROM {name} WHERE 1 = 0", COLUMNS.join(", "));
    if let Err(error) = query(db, &columns).await {
        let text =
            format!("{table} is not there, or is not as the migration makes it ({error}); run `waxseal migrate`");
        return vec![broken("table", text)];
    }
    let mut findings = vec![ok("table", format!("{table} is as the migration makes it"))];
    findings.push(indexes(db, &table).await);
    if db.get_database_backend() == DbBackend::MySql {
        findings.push(collation(db, &table).await);
    }
    findings.push(swept(store, &name, idle_timeout_s).await);
    findings.extend(keys(settings, store, &name).await);
    findings
}

async fn query(db: &DatabaseConnection, sql: &str) -> Result<Vec<sea_orm::QueryResult>, DbErr> {
    db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await
}

/// The columns that have an index of their own.
async fn indexes(db: &DatabaseConnection, table: &Table) -> Finding {
    let (schema, name) = (table.schema(), table.name());
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => format!(
            "SELECT DISTINCT CAST(a.attname AS TEXT) FROM pg_index i JOIN pg_attribute a \
             ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE i.indisvalid \
             AND i.indrelid = to_regclass('{}')",
            table.quoted(DbBackend::Postgres)
        ),
        DbBackend::MySql => format!(
            "SELECT DISTINCT column_name FROM information_schema.statistics \
             WHERE table_schema = {} AND table_name = '{name}' AND seq_in_index = 1",
            schema.map_or_else(|| "DATABASE()".into(), |schema| format!("'{schema}'"))
        ),
        _ => format!(
            "SELECT DISTINCT ii.name FROM pragma_index_list('{name}') il, pragma_index_info(il.name) ii WHERE ii.seqno = 0"
        ),
    };
    let rows = match query(db, &sql).await {
        Ok(rows) => rows,
        Err(error) => return warning("indexes", format!("could not be checked: {error}")),
    };
    let there: BTreeSet<String> = rows.iter().filter_map(|row| row.try_get_by_index(0).ok()).collect();
    let missing: Vec<&str> =
        ["id", "expires_at", "subject"].into_iter().filter(|column| !there.contains(*column)).collect();
    match missing.as_slice() {
        [] => ok("indexes", "id, expires_at and subject have theirs"),
        missing => broken(
            "indexes",
            format!(
                "none on {}: run `waxseal migrate`, or every {} scans the table",
                missing.join(", "),
                "list and sweep"
            ),
        ),
    }
}

async fn collation(db: &DatabaseConnection, table: &Table) -> Finding {
    let schema = table.schema().map_or_else(|| "DATABASE()".into(), |schema| format!("'{schema}'"));
    let sql = format!(
        "SELECT CAST(collation_name AS CHAR) FROM information_schema.columns \
         WHERE table_schema = {schema} AND table_name = '{}' AND column_name = 'subject'",
        table.name()
    );
    let answer = query(db, &sql).await.map(|rows| rows.first().and_then(|row| row.try_get_by_index::<String>(0).ok()));
    match answer {
        Ok(Some(collation)) if collation.ends_with("_bin") => ok("collation", collation),
        Ok(Some(collation)) => broken(
            "collation",
            format!(
                "subjects are compared by {collation}, for which \"Ada\" may be \"ada\"; the migration makes utf8mb4_bin"
            ),
        ),
        Ok(None) => warning("collation", "could not be told"),
        Err(error) => warning("collation", format!("could not be checked: {error}")),
    }
}

async fn swept(store: &SeaOrmStore, name: &str, idle_timeout_s: u64) -> Finding {
    let now = match now(store).await {
        Ok(now) => now,
        Err(error) => return warning("sweeper", format!("could not be checked: {error}")),
    };
    let late = now.unix_seconds().saturating_sub(LATE_S + idle_timeout_s);
    match query(store.connection(), &format!("SELECT COUNT(*) FROM {name} WHERE expires_at <= {late}")).await {
        Ok(rows) => match rows.first().and_then(|row| row.try_get_by_index::<i64>(0).ok()).unwrap_or_default() {
            0 => ok("sweeper", "no expired rows are left over"),
            count => broken(
                "sweeper",
                format!(
                    "{count} rows expired more than {} ago: nobody sweeps; spawn a `Sweeper`, or run `waxseal sweep` by cron",
                    when::span(LATE_S + idle_timeout_s)
                ),
            ),
        },
        Err(error) => warning("sweeper", format!("could not be checked: {error}")),
    }
}

/// Whether live sessions need keys that are missing.
async fn keys(settings: &Settings, store: &SeaOrmStore, name: &str) -> Option<Finding> {
    let keyring = settings.keyring().ok()?;
    let known: BTreeSet<String> = keyring.key_ids().map(|id| id.to_string()).collect();
    let rows = match by_key::live(store.connection(), name, now(store).await.ok()?).await {
        Ok(rows) => rows,
        Err(error) => return Some(warning("row-keys", format!("could not be checked: {error}"))),
    };
    let foreign: i64 = rows.iter().filter(|(id, _)| !known.contains(*id)).map(|(_, count)| count).sum();
    Some(match foreign {
        0 => ok("row-keys", "all live sessions open with the keys that are here"),
        count => {
            broken("row-keys", format!("{count} live sessions need a key that is not here: their users get a 503"))
        }
    })
}
