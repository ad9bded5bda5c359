//! The database connection: SQLite, PostgreSQL or MySQL/MariaDB by its URL; and the cache before it.

use std::{sync::Arc, time::Duration};

use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbBackend, DbErr};
use waxseal_http::{Cached, Store};
use waxseal_sea_orm::{SeaOrmStore, Table, install_notices};

pub(crate) async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(8)
        // If the database cannot be reached, the request gets a 503 after this time and does not hang.
        .acquire_timeout(Duration::from_secs(5))
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(|options| {
            options
                // Readers do not block the writer, and a commit needs no fsync: 8 times the speed of the rollback journal.
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "NORMAL")
                // Writers queue for this long instead of failing with "database is locked". Every save is one statement (a
                // rotation begins with its write), so a lock is held for microseconds and nobody has to upgrade one.
                .busy_timeout(Duration::from_secs(15))
        });
    Database::connect(options).await
}

/// A cache for a database to which other processes also write. PostgreSQL reports their changes to it; on other databases a copy is used
/// for at most a second.
pub async fn cached(db: &DatabaseConnection, store: SeaOrmStore) -> Result<Arc<dyn Store>, DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(Arc::new(Cached::new(store)));
    }
    install_notices(db, &Table::default()).await?;
    let notices = store.notices()?;
    Ok(Arc::new(Cached::notified(store, notices)))
}
