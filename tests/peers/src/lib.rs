//! What the benchmarks share: the databases that they run on.

#![forbid(unsafe_code)]
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use sea_orm_migration::MigratorTrait;
use waxseal_sea_orm::{Migrator, SeaOrmStore};

/// The URL of the PostgreSQL server, if one is given. No connection encrypts: some peers' drivers are built without TLS.
pub fn postgres_url() -> Option<String> {
    let url = std::env::var("WAXSEAL_TEST_POSTGRES_URL").ok()?;
    let separator = if url.contains('?') { '&' } else { '?' };
    Some(format!("{url}{separator}sslmode=disable"))
}

/// A store on a new SQLite file.
pub async fn sqlite(folder: &Path) -> SeaOrmStore {
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", folder.join("bench.sqlite").display()));
    options.map_sqlx_sqlite_opts(|options| {
        options.pragma("journal_mode", "WAL").pragma("synchronous", "NORMAL").pragma("busy_timeout", "15000")
    });
    SeaOrmStore::new(open(options).await)
}

/// A store on PostgreSQL in a schema of its own.
pub async fn postgres(url: &str, schema: &'static str) -> SeaOrmStore {
    make_schema(url, schema).await;
    SeaOrmStore::new(connect(url, schema).await)
}

/// A connection to a schema of PostgreSQL, with the session table.
pub async fn connect(url: &str, schema: &'static str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.set_schema_search_path(schema);
    open(options).await
}

/// An empty schema, so that each server has tables of its own.
pub async fn make_schema(url: &str, schema: &str) {
    let admin = Database::connect(url).await.unwrap();
    for sql in [format!("DROP SCHEMA IF EXISTS {schema} CASCADE"), format!("CREATE SCHEMA {schema}")] {
        admin.execute_unprepared(&sql).await.unwrap();
    }
}

async fn open(mut options: ConnectOptions) -> DatabaseConnection {
    // All are open before anything is measured.
    options.min_connections(8).max_connections(8).sqlx_logging(false).test_before_acquire(false);
    let db = Database::connect(options).await.unwrap();
    Migrator::up(&db, None).await.unwrap();
    db
}
