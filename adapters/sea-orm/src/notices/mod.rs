//! Notices of changed rows on PostgreSQL: a trigger tells of every row that was changed, ended or deleted, by whomever.
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
//! `NOTIFY` delivers in the order of the commits, and a transaction that notifies takes a lock over the whole server while it
//! commits. The trigger tells of changes only, never of touches, so that reads cost nothing there.

mod trigger;

use std::hash::{BuildHasher, RandomState};

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};
use sqlx::postgres::PgListener;
use uuid::Uuid;
use waxseal_http::{Listening, Notice, Notices, RowId, StoreError};

use crate::{Table, values::backend};
use trigger::Names;
pub use trigger::{NoticesMigration, install_notices};

/// PostgreSQL's notices of changed rows, for [`Cached::notified`](waxseal_http::Cached::notified). Made by
/// [`SeaOrmStore::notices`](crate::SeaOrmStore::notices).
///
/// Takes one connection of the pool for good, and needs [`install_notices`] or [`NoticesMigration`] to have run: without its
/// trigger no ping comes back, and the cache stays off. A pooler in transaction mode cannot carry it.
#[derive(Clone, Debug)]
pub struct PostgresNotices {
    db: DatabaseConnection,
    names: Names,
    /// Tells this process's pings from others'.
    process: u64,
}

impl PostgresNotices {
    pub(crate) fn new(db: DatabaseConnection, table: &Table) -> Result<Self, DbErr> {
        if db.get_database_backend() != DbBackend::Postgres {
            return Err(DbErr::Custom("only PostgreSQL has notices; use `Cached::new` on other databases".into()));
        }
        Ok(Self { names: Names::of(table), db, process: RandomState::new().hash_one(0) })
    }
}

#[async_trait]
impl Notices for PostgresNotices {
    async fn listen(&self) -> Result<Box<dyn Listening>, StoreError> {
        if !self.names.is_installed(&self.db).await.map_err(backend)? {
            return Err(StoreError::backend(
                "the session table has no trigger for notices; run `install_notices`, or `NoticesMigration` in your migrator",
            ));
        }
        let pool = self.db.get_postgres_connection_pool();
        let mut listener = PgListener::connect_with(pool).await.map_err(StoreError::backend)?;
        listener.ignore_pool_close_event(true);
        listener.listen(&self.names.channel).await.map_err(StoreError::backend)?;
        Ok(Box::new(Open { listener, process: self.process }))
    }

    async fn ping(&self, number: u64) -> Result<(), StoreError> {
        // Nothing is sent where the trigger is gone: the cache must not trust the silence.
        let sql = "SELECT pg_notify($1, $2) WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_trigger \
                   WHERE tgrelid = to_regclass($3) AND tgname = $4 AND tgenabled <> 'D')";
        let payload = format!("p {:016x} {number}", self.process);
        let Names { channel, table, change, .. } = &self.names;
        let values = [channel.into(), payload.into(), table.into(), change.into()];
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        self.db.query_all_raw(statement).await.map(drop).map_err(backend)
    }
}

/// A connection that listens.
struct Open {
    listener: PgListener,
    process: u64,
}

#[async_trait]
impl Listening for Open {
    async fn next(&mut self) -> Result<Notice, StoreError> {
        loop {
            // `recv` would connect anew by itself, and what was told in between would be missed.
            let told = self.listener.try_recv().await.map_err(StoreError::backend)?;
            let Some(told) = told else { return Err(StoreError::backend("the connection that listens was lost")) };
            match read(told.payload(), self.process) {
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

/// Reads a payload. `None` where it is not one of ours: whoever sent it may have meant any row.
fn read(payload: &str, process: u64) -> Option<Told> {
    let mut words = payload.split(' ');
    let notice = match (words.next()?, words.next(), words.next(), words.next()) {
        ("c", Some(id), Some(generation), None) => Notice::Changed(row_id(id)?, generation.parse().ok()?),
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
        assert_eq!(read(&format!("c {} 3", Uuid::from(id)), 1), told(Notice::Changed(id, 3)));
        assert_eq!(read(&format!("o {}", Uuid::from(id)), 1), told(Notice::Outdated(id)));
        assert_eq!(read("a", 1), told(Notice::All));
        assert_eq!(read("p 0000000000000001 5", 1), told(Notice::Ping(5)));
        assert_eq!(read("p 0000000000000002 5", 1), Some(Told::OthersPing));
        for strange in ["", "c", "c x 1", "p 1", "a b", "o 1 2 3 4"] {
            assert_eq!(read(strange, 1), None, "{strange}");
        }
    }
}
