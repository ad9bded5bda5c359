//! The database connection: SQLite, PostgreSQL or MySQL/MariaDB by its URL.

use std::time::Duration;

use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};

pub(crate) async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(8)
        // A database that is away is a 503 after this, not a request that hangs.
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
