//! A database of its own for one test, with the tables of waxseal in it.

use std::env;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use sea_orm_migration::MigratorTrait;
use tempfile::TempDir;
use waxseal::sea_orm::Migrator;

/// A database, and what must be cleared away after the test.
pub struct Db {
    pub connection: DatabaseConnection,
    clear: Option<(DatabaseConnection, String)>,
    _folder: Option<TempDir>,
}

impl Db {
    /// A SQLite file.
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("shop.sqlite").display());
        let mut options = ConnectOptions::new(url);
        options.max_connections(4).map_sqlx_sqlite_opts(|options| {
            options.pragma("journal_mode", "WAL").pragma("synchronous", "NORMAL").pragma("busy_timeout", "30000")
        });
        let connection = Database::connect(options).await.unwrap();
        Migrator::up(&connection, None).await.unwrap();
        Self { connection, clear: None, _folder: Some(folder) }
    }

    /// A database on the server that `WAXSEAL_TEST_POSTGRES_URL` names. `None` where it names none.
    pub async fn postgres(test: &str) -> Option<Self> {
        let Ok(url) = env::var("WAXSEAL_TEST_POSTGRES_URL") else {
            println!("skipped: WAXSEAL_TEST_POSTGRES_URL is not set");
            return None;
        };
        let name = format!("waxseal_moving_{test}");
        let admin = Database::connect(&url).await.unwrap();
        for sql in [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")] {
            admin.execute_unprepared(&sql).await.unwrap();
        }
        let (server, _) = url.rsplit_once('/').unwrap();
        let mut options = ConnectOptions::new(format!("{server}/{name}"));
        options.max_connections(8);
        let connection = Database::connect(options).await.unwrap();
        Migrator::up(&connection, None).await.unwrap();
        let clear = Some((admin, format!("DROP DATABASE {name} WITH (FORCE)")));
        Some(Self { connection, clear, _folder: None })
    }

    pub async fn close(self) {
        self.connection.close().await.unwrap();
        if let Some((admin, sql)) = self.clear {
            admin.execute_unprepared(&sql).await.unwrap();
        }
    }
}

/// How many rows a table has.
pub async fn count(db: &DatabaseConnection, table: &str) -> i64 {
    let sql = format!("SELECT count(*) AS n FROM {table}");
    let row = db.query_one_raw(sea_orm::Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    row.unwrap().try_get("", "n").unwrap()
}
