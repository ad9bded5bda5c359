//! The log of changed rows: a trigger writes to it when a row gets a new generation, and each node reads what is new.
//!
//! `NOTIFY` would work, but a transaction that notifies holds a server-wide lock until its commit is on disk, so commits wait for
//! each other. A row in an unlogged table costs next to nothing. The price is a delay until it is read: a node reads the log
//! before each of its pings.
//!
//! Rows do not become visible in the order in which they were written. So each reading asks for the rows that the snapshot of the
//! previous reading did not show: those of transactions that began after it, and of those that were under way in it.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement};
use tokio::sync::Mutex;
use uuid::Uuid;
use waxseal_http::{Notice, RowId};

use super::trigger::{INSTALLED, Names};
use crate::Table;

/// The shortest time for which the log keeps rows.
const KEPT: Duration = Duration::from_secs(30);

/// A node that has not read the log for this long may have missed rows: it reports that all rows may have changed.
const GAP: Duration = Duration::from_secs(15);

/// If a reading finds more changes than this, it reports that all rows may have changed.
const MANY: usize = 10_000;

/// The transactions that are visible at one moment, in one run of one server: another server numbers its transactions
/// differently.
#[derive(Clone, Debug)]
struct Seen {
    snapshot: String,
    server: String,
    /// The server's time since 1970. A node's own clock may stop while its machine sleeps or is moved.
    at: Duration,
}

/// How far a node has read the log.
#[derive(Debug)]
pub(super) struct Reader {
    last: Seen,
    /// What is older than this may be deleted once it is [`KEPT`] old.
    old: Seen,
    /// The last reading failed, or found no trigger: changes may have been missed since the one before.
    interrupted: bool,
}

/// A snapshot, the server's start and its time: the columns of a [`Seen`].
const NOW: &str = "pg_current_snapshot()::text, pg_postmaster_start_time()::text, \
                   CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

impl Seen {
    async fn now(db: &impl ConnectionTrait) -> Result<Self, DbErr> {
        let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, format!("SELECT {NOW}"))).await?;
        Self::read(&row.ok_or_else(|| DbErr::Custom("the database returned no snapshot".into()))?)
    }

    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        let at_ms: i64 = row.try_get_by_index(2)?;
        let at = Duration::from_millis(u64::try_from(at_ms).unwrap_or_default());
        Ok(Self { snapshot: row.try_get_by_index(0)?, server: row.try_get_by_index(1)?, at })
    }

    /// How old it is. `None` if the server's clock has gone back since then.
    fn age(&self, now: &Self) -> Option<Duration> {
        now.at.checked_sub(self.at)
    }
}

impl Reader {
    /// Begins to read: everything that is committed from here on will be reported.
    pub(super) async fn begin(db: &impl ConnectionTrait) -> Result<Self, DbErr> {
        let last = Seen::now(db).await?;
        Ok(Self { old: last.clone(), last, interrupted: false })
    }

    /// The changes that were committed since the last reading. `None` if a trigger is missing: the cache must not take that for
    /// silence.
    pub(super) async fn read(
        &mut self,
        db: &impl ConnectionTrait,
        names: &Names,
    ) -> Result<Option<Vec<Notice>>, DbErr> {
        let interrupted = std::mem::replace(&mut self.interrupted, true);
        let sql = format!(
            "SELECT {NOW}, changed.id, changed.generation \
             FROM (SELECT 1 WHERE {INSTALLED}) installed LEFT JOIN ( \
               SELECT id, MAX(generation) AS generation FROM {log} \
               WHERE xact >= pg_snapshot_xmax($3::text::pg_snapshot) \
                  OR xact = ANY(ARRAY(SELECT pg_snapshot_xip($3::text::pg_snapshot))) \
               GROUP BY id LIMIT {limit} \
             ) changed ON true",
            log = names.log,
            limit = MANY + 1,
        );
        let values = [names.table.as_str().into(), names.name.as_str().into(), self.last.snapshot.as_str().into()];
        let rows = db.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        self.interrupted = false;
        let seen = Seen::read(first)?;
        let missed = interrupted
            || seen.server != self.last.server
            || self.last.age(&seen).is_none_or(|age| age > GAP)
            || rows.len() > MANY;
        if seen.server != self.old.server {
            self.old = seen.clone();
        }
        self.last = seen;
        if missed {
            return Ok(Some(vec![Notice::All]));
        }
        let mut changed = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Some(id) = row.try_get_by_index::<Option<Uuid>>(3)? {
                let generation: i64 = row.try_get_by_index(4)?;
                changed.push(Notice::Changed(RowId::from(id), u64::try_from(generation).unwrap_or_default()));
            }
        }
        Ok(Some(changed))
    }

    /// Deletes what every node has read. Does so only now and then.
    pub(super) async fn clean(&mut self, db: &impl ConnectionTrait, names: &Names) -> Result<(), DbErr> {
        match self.old.age(&self.last) {
            Some(age) if age > KEPT => {}
            Some(_) => return Ok(()),
            None => {
                self.old = self.last.clone();
                return Ok(());
            }
        }
        let old = std::mem::replace(&mut self.old, self.last.clone());
        delete(db, &names.log, &old.snapshot).await
    }
}

/// A store's sweep of the log: if the triggers still exist but no node reads the log, nothing else deletes from it.
#[derive(Debug, Default)]
pub(crate) struct Sweeping(Mutex<Option<Seen>>);

impl Sweeping {
    /// Deletes what was old enough at the last sweep. If it fails, the next sweep does it.
    pub(crate) async fn sweep(&self, db: &impl ConnectionTrait, table: &Table) {
        let Ok(mut old) = self.0.try_lock() else { return };
        let swept = async {
            let (names, now) = (Names::of(table), Seen::now(db).await?);
            if old.as_ref().and_then(|old| old.age(&now)).is_some_and(|age| age <= KEPT) {
                return Ok(());
            }
            match old.replace(now.clone()) {
                Some(old) if old.server == now.server && old.age(&now).is_some() && names.is_installed(db).await? => {
                    delete(db, &names.log, &old.snapshot).await
                }
                _ => Ok(()),
            }
        };
        if let Err(error) = swept.await {
            tracing::debug!(%error, "the log of changed sessions was not swept");
        }
    }
}

/// Deletes the rows that a snapshot shows, and rows of transactions that the server has not begun yet: those came with a dump.
async fn delete(db: &impl ConnectionTrait, log: &str, snapshot: &str) -> Result<(), DbErr> {
    let sql = format!(
        "DELETE FROM {log} WHERE (xact < pg_snapshot_xmax($1::text::pg_snapshot) \
           AND NOT xact = ANY(ARRAY(SELECT pg_snapshot_xip($1::text::pg_snapshot)))) \
         OR xact >= pg_snapshot_xmax(pg_current_snapshot())"
    );
    db.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [snapshot.into()])).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::{ConnectOptions, Database, TransactionTrait};

    /// The row of a finished transaction is deleted. One under way is kept, and reported when it commits. What a dump brought
    /// along is deleted.
    #[tokio::test]
    async fn the_log_keeps_what_is_still_to_be_read() {
        let Ok(url) = std::env::var("WAXSEAL_TEST_POSTGRES_URL") else {
            println!("left out: WAXSEAL_TEST_POSTGRES_URL is not set");
            return;
        };
        let mut options = ConnectOptions::new(url);
        options.max_connections(4).set_schema_search_path("waxseal_change_log");
        let db = Database::connect(options).await.unwrap();
        for sql in [
            "DROP SCHEMA IF EXISTS waxseal_change_log CASCADE",
            "CREATE SCHEMA waxseal_change_log",
            "CREATE TABLE waxseal_sessions (id uuid PRIMARY KEY, generation bigint NOT NULL, subject text, label text, \
             created_at bigint, lifetime_s bigint, expires_at bigint, data bytea)",
            "INSERT INTO waxseal_sessions SELECT gen_random_uuid(), 1, number::text FROM generate_series(1, 3) number",
        ] {
            db.execute_unprepared(sql).await.unwrap();
        }
        crate::install_notices(&db, &Table::default()).await.unwrap();
        let names = Names::of(&Table::default());
        let update = |n: u32| format!("UPDATE waxseal_sessions SET generation = generation + 1 WHERE subject = '{n}'");
        let mut reader = Reader::begin(&db).await.unwrap();
        let under_way = db.begin().await.unwrap();
        under_way.execute_unprepared(&update(1)).await.unwrap();
        db.execute_unprepared(&update(2)).await.unwrap();
        let told = reader.read(&db, &names).await.unwrap().unwrap();
        assert!(matches!(told[..], [Notice::Changed(_, 2)]), "{told:?}");
        assert_eq!(reader.read(&db, &names).await.unwrap(), Some(vec![]), "told once");
        let count = async || {
            let sql = "SELECT COUNT(*) FROM waxseal_sessions_changes";
            let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap().unwrap();
            row.try_get_by_index::<i64>(0).unwrap()
        };
        let old = reader.last.snapshot.clone();
        db.execute_unprepared(&update(3)).await.unwrap();
        db.execute_unprepared("INSERT INTO waxseal_sessions_changes VALUES ('9000000000000000', gen_random_uuid(), 7)")
            .await
            .unwrap();
        assert_eq!(count().await, 3);
        delete(&db, &names.log, &old).await.unwrap();
        assert_eq!(count().await, 1, "only what the snapshot does not show");
        under_way.commit().await.unwrap();
        delete(&db, &names.log, &old).await.unwrap();
        assert_eq!(count().await, 2, "it was under way in the snapshot");
        let told = reader.read(&db, &names).await.unwrap().unwrap();
        assert!(matches!(told[..], [Notice::Changed(_, 2), Notice::Changed(_, 2)]), "{told:?}");
        reader.last.server = "another".into();
        assert_eq!(reader.read(&db, &names).await.unwrap(), Some(vec![Notice::All]), "other numbers of transactions");
        db.execute_unprepared("DROP TRIGGER waxseal_sessions_change ON waxseal_sessions").await.unwrap();
        assert_eq!(reader.read(&db, &names).await.unwrap(), None);
        db.execute_unprepared(&update(1)).await.unwrap();
        crate::install_notices(&db, &Table::default()).await.unwrap();
        let told = reader.read(&db, &names).await.unwrap();
        assert_eq!(told, Some(vec![Notice::All]), "what changed without a trigger is in no log");
        assert_eq!(reader.read(&db, &names).await.unwrap(), Some(vec![]));
        reader.last.at -= 2 * GAP;
        assert_eq!(reader.read(&db, &names).await.unwrap(), Some(vec![Notice::All]), "this node was asleep");
        db.execute_unprepared("DROP SCHEMA waxseal_change_log CASCADE").await.unwrap();
    }
}
