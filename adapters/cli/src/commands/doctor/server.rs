//! The database server: its clock, whether it accepts writes, and how it stores what was committed.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use waxseal_http::{Clock, Store, SystemClock};
use waxseal_sea_orm::SeaOrmStore;

use super::{Finding, broken, ok, warning};

/// From this difference on, the clocks are reported as different, in milliseconds.
const CLOCK_MS: u64 = 2000;

pub(super) async fn examine(store: &SeaOrmStore) -> Vec<Finding> {
    let mut findings = vec![clock(store).await];
    let db = store.connection();
    match db.get_database_backend() {
        DbBackend::Postgres => {
            findings.push(writable(store, "SHOW transaction_read_only", "on").await);
            findings.push(isolation(store, "SHOW default_transaction_isolation").await);
            findings.push(durable_postgres(store).await);
            findings.push(pooler(store).await);
        }
        DbBackend::MySql => {
            findings.push(writable(store, "SELECT CAST(@@global.read_only AS CHAR)", "1").await);
            findings.push(isolation(store, "SELECT @@transaction_isolation").await);
            findings.push(durable_mysql(store).await);
        }
        _ => findings.extend(sqlite(store).await),
    }
    findings
}

async fn text(store: &SeaOrmStore, sql: &str) -> Result<String, DbErr> {
    let db = store.connection();
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    row.ok_or_else(|| DbErr::Custom("no answer".into()))?.try_get_by_index(0)
}

async fn number(store: &SeaOrmStore, sql: &str) -> Result<i64, DbErr> {
    let db = store.connection();
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    let row = row.ok_or_else(|| DbErr::Custom("no answer".into()))?;
    row.try_get_by_index::<i64>(0).or_else(|_| row.try_get_by_index::<i32>(0).map(i64::from))
}

async fn clock(store: &SeaOrmStore) -> Finding {
    let before = SystemClock.now();
    let theirs = match store.now().await {
        Ok(Some(theirs)) => theirs,
        Ok(None) => return ok("clock", "this machine's clock is used: SQLite has none of its own"),
        Err(error) => return broken("clock", format!("the database did not tell its time: {error}")),
    };
    let after = SystemClock.now();
    let ours = before.unix_ms() + after.unix_ms().saturating_sub(before.unix_ms()) / 2;
    let apart = ours.abs_diff(theirs.unix_ms());
    if apart <= CLOCK_MS {
        return ok("clock", format!("{apart} ms from the database's"));
    }
    let which = if ours > theirs.unix_ms() { "ahead of" } else { "behind" };
    broken(
        "clock",
        format!("this machine is {:.1} s {which} the database: set the clocks (NTP)", apart as f64 / 1000.0),
    )
}

async fn writable(store: &SeaOrmStore, sql: &str, read_only: &str) -> Finding {
    match text(store, sql).await {
        Ok(answer) if answer == read_only => {
            broken("read-only", "the server is read-only: a standby, or the old primary after a failover")
        }
        Ok(_) => ok("read-only", "it takes writes"),
        Err(error) => warning("read-only", format!("could not be checked: {error}")),
    }
}

async fn isolation(store: &SeaOrmStore, sql: &str) -> Finding {
    match text(store, sql).await {
        Ok(level) if level.to_lowercase().contains("serializable") => warning(
            "isolation",
            format!("{level}: it works, and conflicting saves are tried again; read committed is faster"),
        ),
        Ok(level) => ok("isolation", level),
        Err(error) => warning("isolation", format!("could not be checked: {error}")),
    }
}

async fn durable_postgres(store: &SeaOrmStore) -> Finding {
    match (text(store, "SHOW fsync").await, text(store, "SHOW synchronous_commit").await) {
        (Ok(fsync), _) if fsync == "off" => broken("durability", "fsync is off: a crash can bring sign-outs back"),
        (_, Ok(commit)) if commit == "off" => {
            broken("durability", "synchronous_commit is off: a crash can bring the last sign-outs back")
        }
        (Ok(_), Ok(commit)) => ok("durability", format!("synchronous_commit = {commit}")),
        (Err(error), _) | (_, Err(error)) => warning("durability", format!("could not be checked: {error}")),
    }
}

async fn durable_mysql(store: &SeaOrmStore) -> Finding {
    match number(store, "SELECT CAST(@@innodb_flush_log_at_trx_commit AS SIGNED)").await {
        Ok(1) => ok("durability", "innodb_flush_log_at_trx_commit = 1"),
        Ok(other) => broken(
            "durability",
            format!("innodb_flush_log_at_trx_commit is {other}: a crash can bring the last sign-outs back"),
        ),
        Err(error) => warning("durability", format!("could not be checked: {error}")),
    }
}

/// A pooler in transaction mode gives each statement another server process.
async fn pooler(store: &SeaOrmStore) -> Finding {
    let mut processes = Vec::new();
    for _ in 0..6 {
        match number(store, "SELECT CAST(pg_backend_pid() AS BIGINT)").await {
            Ok(process) => processes.push(process),
            Err(error) if error.to_string().contains("prepared statement") => {
                return broken(
                    "pooler",
                    "a pooler in transaction mode loses prepared statements: PgBouncer 1.21 or later with \
                     max_prepared_statements above 0, or session pooling",
                );
            }
            Err(error) => return warning("pooler", format!("could not be checked: {error}")),
        }
    }
    processes.dedup();
    if processes.len() > 2 {
        return warning(
            "pooler",
            "statements go to changing server processes: a pooler in transaction mode; it cannot carry notices for the cache",
        );
    }
    ok("pooler", "none in transaction mode was seen")
}

async fn sqlite(store: &SeaOrmStore) -> Vec<Finding> {
    let journal = match text(store, "PRAGMA journal_mode").await {
        Ok(mode) if mode.eq_ignore_ascii_case("wal") => ok("journal-mode", "wal"),
        Ok(mode) => broken(
            "journal-mode",
            format!("{mode}: readers and writers block each other; open the database with journal_mode = WAL"),
        ),
        Err(error) => warning("journal-mode", format!("could not be checked: {error}")),
    };
    let whole = match text(store, "PRAGMA quick_check").await {
        Ok(result) if result == "ok" => ok("database-file", "undamaged"),
        Ok(result) => broken("database-file", format!("damaged: {result}")),
        Err(error) => broken("database-file", format!("could not be checked: {error}")),
    };
    vec![journal, whole]
}
