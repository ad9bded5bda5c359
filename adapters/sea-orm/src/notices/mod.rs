//! Notices of changed rows on PostgreSQL: triggers report every row that was changed, ended or deleted, by any program.
//!
//! ```no_run
//! use sea_orm_migration::MigratorTrait;
//! use waxseal_http::Cached;
//! use waxseal_sea_orm::{Migrator, SeaOrmStore, Table, install_notices};
//!
//! # async fn start(db: sea_orm::DatabaseConnection) -> Result<(), Box<dyn std::error::Error>> {
//! Migrator::up(&db, None).await?;
//! install_notices(&db, &Table::default()).await?; // or `NoticesMigration` in your own migrator
//! let store = SeaOrmStore::new(db);
//! let notices = store.notices()?;
//! let store = Cached::notified(store, notices);
//! # Ok(())
//! # }
//! ```
//!
//! Ends are reported at once, by `NOTIFY`. Changes are written to a log ([`changes`]), which each node reads before its pings.
//! Touches are not reported, so a read that only moves the idle expiry adds nothing to the log.

mod changes;
mod trigger;

use std::{
    hash::{BuildHasher, RandomState},
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel, Statement,
    TransactionTrait,
};
use sqlx::postgres::PgListener;
use uuid::Uuid;
use waxseal_http::{Listening, Notice, Notices, RowId, StoreError};

use crate::{Table, values::backend};
use changes::Reader;
pub(crate) use changes::Sweeping;
use trigger::Names;
pub use trigger::{NoticesMigration, install_notices};

/// PostgreSQL's notices of changed rows, for [`Cached::notified`](waxseal_http::Cached::notified). Made by
/// [`SeaOrmStore::notices`](crate::SeaOrmStore::notices).
///
/// Uses one connection of the pool permanently. [`install_notices`] or [`NoticesMigration`] must have run: without the triggers,
/// listening fails with an error, and the cache stays off. It does not work through a pooler in transaction mode.
///
/// If another role than the application's makes the triggers, grant the application's role `SELECT` and `DELETE` on the log, which
/// is named after the session table: `waxseal_sessions_changes`.
#[derive(Debug)]
pub struct PostgresNotices {
    db: DatabaseConnection,
    names: Names,
    /// Distinguishes this process's pings from those of others.
    process: u64,
    log: Arc<Log>,
}

/// What this process has read from the log.
#[derive(Debug, Default)]
struct Log {
    /// Held while the log is read. `None` before somebody listens.
    reader: tokio::sync::Mutex<Option<Reader>>,
    /// What was read and must still be reported.
    told: Mutex<Vec<Notice>>,
}

const NO_TRIGGER: &str = "the session table lacks a trigger for notices, or it is off; run `install_notices`, or \
                          `NoticesMigration` in your migrator";

/// If more notices than this are waiting, they are replaced by "all rows may have changed".
const MANY_UNTOLD: usize = 20_000;

impl Log {
    fn tell(&self, read: Vec<Notice>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.extend(read);
        if told.len() > MANY_UNTOLD {
            *told = vec![Notice::All];
        }
    }

    fn take(&self) -> Vec<Notice> {
        mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl PostgresNotices {
    pub(crate) fn new(db: DatabaseConnection, table: &Table) -> Result<Self, DbErr> {
        if db.get_database_backend() != DbBackend::Postgres {
            return Err(DbErr::Custom("only PostgreSQL has notices; use `Cached::new` on other databases".into()));
        }
        Ok(Self { names: Names::of(table), db, process: RandomState::new().hash_one(0), log: Arc::default() })
    }

    /// A transaction in which each statement has its own snapshot, whatever the default is: under SERIALIZABLE, reading the log
    /// would conflict with those who write to it.
    async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        self.db.begin_with_config(Some(IsolationLevel::ReadCommitted), None).await
    }

    async fn read_and_ping(&self, number: u64) -> Result<(), DbErr> {
        let mut reader = self.log.reader.lock().await;
        let Some(reader) = &mut *reader else { return Ok(()) };
        // One transaction, so that both statements run on one server.
        let transaction = self.begin().await?;
        let Some(read) = reader.read(&transaction, &self.names).await? else {
            return Err(DbErr::Custom(NO_TRIGGER.into()));
        };
        // Before the ping is sent: when it comes back, everything that was committed before can be reported.
        self.log.tell(read);
        reader.clean(&transaction, &self.names).await?;
        let sql = "SELECT pg_notify($1, $2)";
        let payload = format!("p {:016x} {number}", self.process);
        let values = [self.names.channel.as_str().into(), payload.into()];
        transaction.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
        transaction.commit().await
    }
}

#[async_trait]
impl Notices for PostgresNotices {
    async fn listen(&self) -> Result<Box<dyn Listening>, StoreError> {
        if !self.names.is_installed(&self.db).await.map_err(backend)? {
            return Err(StoreError::backend(NO_TRIGGER));
        }
        let pool = self.db.get_postgres_connection_pool();
        let mut listener = PgListener::connect_with(pool).await.map_err(StoreError::backend)?;
        listener.ignore_pool_close_event(true);
        listener.listen(&self.names.channel).await.map_err(StoreError::backend)?;
        let mut reader = self.log.reader.lock().await;
        *reader = Some(Reader::begin(&self.db).await.map_err(backend)?);
        self.log.take();
        Ok(Box::new(Open { listener, process: self.process, log: self.log.clone(), told: Vec::new() }))
    }

    async fn ping(&self, number: u64) -> Result<(), StoreError> {
        self.read_and_ping(number).await.map_err(backend)
    }
}

/// A connection that listens.
struct Open {
    listener: PgListener,
    process: u64,
    log: Arc<Log>,
    /// What must be reported next; the last one comes first.
    told: Vec<Notice>,
}

#[async_trait]
impl Listening for Open {
    async fn next(&mut self) -> Result<Notice, StoreError> {
        loop {
            if let Some(notice) = self.told.pop() {
                return Ok(notice);
            }
            // `recv` would reconnect silently, and notices in between would be missed.
            let told = self.listener.try_recv().await.map_err(StoreError::backend)?;
            let Some(told) = told else { return Err(StoreError::backend("the listening connection was lost")) };
            match read(told.payload(), self.process) {
                Some(Told::Notice(ping @ Notice::Ping(_))) => {
                    // First what was read before the ping was sent.
                    self.told.push(ping);
                    self.told.extend(self.log.take());
                }
                Some(Told::Notice(notice)) => return Ok(notice),
                Some(Told::OthersPing) => {}
                None => return Ok(Notice::All),
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Told {
    Notice(Notice),
    OthersPing,
}

/// Reads a payload. `None` if it is not one of ours: whoever sent it may have meant any row.
fn read(payload: &str, process: u64) -> Option<Told> {
    let mut words = payload.split(' ');
    let notice = match (words.next()?, words.next(), words.next(), words.next()) {
        ("o", Some(id), None, None) => Notice::Outdated(row_id(id)?),
        ("p", Some(sender), Some(number), None) => match u64::from_str_radix(sender, 16).ok()? == process {
            true => Notice::Ping(number.parse().ok()?),
            false => return Some(Told::OthersPing),
        },
        ("a", None, ..) => Notice::All,
        _ => return None,
    };
    Some(Told::Notice(notice))
}

fn row_id(text: &str) -> Option<RowId> {
    text.parse::<Uuid>().ok().map(RowId::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_read() {
        let id = RowId::from_bytes([7; 16]);
        let told = |notice| Some(Told::Notice(notice));
        assert_eq!(read(&format!("o {}", Uuid::from(id)), 1), told(Notice::Outdated(id)));
        assert_eq!(read("a", 1), told(Notice::All));
        assert_eq!(read("p 0000000000000001 5", 1), told(Notice::Ping(5)));
        assert_eq!(read("p 0000000000000002 5", 1), Some(Told::OthersPing));
        for strange in ["", "o", "o x", "p 1", "a b", "o 1 2 3 4"] {
            assert_eq!(read(strange, 1), None, "{strange}");
        }
    }
}
