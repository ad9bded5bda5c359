//! The stores under test, each fresh for one test.

use std::{
    env,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use sea_orm_migration::MigratorTrait;
use tempfile::TempDir;
use waxseal_http::{Cached, MemoryStore, Store};
use waxseal_sea_orm::{Migrator, SeaOrmStore, Table, install_notices};

use crate::StoreKind;

/// PostgreSQL cuts names at 63; before these stands `waxseal_`.
const LONGEST_NAME: usize = 50;

/// A store for one test, and what must be cleared away after it.
pub struct TestStore {
    pub store: Arc<dyn Store>,
    pub db: Option<DatabaseConnection>,
    clear: Option<(DatabaseConnection, String)>,
    _folder: Option<TempDir>,
}

impl TestStore {
    /// Nothing where the machine has no such database.
    pub async fn open(kind: StoreKind, test: &str) -> Option<Self> {
        let test = &short(test);
        let (db, clear, folder) = match kind {
            StoreKind::Memory => return Some(Self::without_database(MemoryStore::new())),
            StoreKind::CachedMemory => {
                return Some(Self::without_database(Cached::for_a_single_process(MemoryStore::new())));
            }
            StoreKind::Sqlite | StoreKind::Replicated => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.sqlite").display());
                let mut options = ConnectOptions::new(url);
                options.max_connections(4).map_sqlx_sqlite_opts(|options| {
                    options
                        .pragma("journal_mode", "WAL")
                        .pragma("synchronous", "NORMAL")
                        .pragma("busy_timeout", "30000")
                });
                (Database::connect(options).await.unwrap(), None, Some(folder))
            }
            StoreKind::Postgres | StoreKind::CachedPostgres => {
                let url = env::var("WAXSEAL_TEST_POSTGRES_URL").ok()?;
                let schema = format!("waxseal_{test}");
                let admin = Database::connect(&url).await.unwrap();
                for sql in [format!("DROP SCHEMA IF EXISTS {schema} CASCADE"), format!("CREATE SCHEMA {schema}")] {
                    admin.execute_unprepared(&sql).await.unwrap();
                }
                let mut options = ConnectOptions::new(url);
                options.max_connections(4).set_schema_search_path(schema.clone());
                let db = Database::connect(options).await.unwrap();
                (db, Some((admin, format!("DROP SCHEMA {schema} CASCADE"))), None)
            }
            StoreKind::MariaDb => {
                let url = env::var("WAXSEAL_TEST_MYSQL_URL").ok()?;
                let name = format!("waxseal_{test}");
                let admin = Database::connect(&url).await.unwrap();
                for sql in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
                    admin.execute_unprepared(&sql).await.unwrap();
                }
                let (server, _) = url.rsplit_once('/').unwrap();
                let mut options = ConnectOptions::new(format!("{server}/{name}"));
                options.max_connections(4);
                let db = Database::connect(options).await.unwrap();
                (db, Some((admin, format!("DROP DATABASE {name}"))), None)
            }
        };
        Migrator::up(&db, None).await.unwrap();
        let store: Arc<dyn Store> = match kind {
            StoreKind::CachedPostgres => {
                install_notices(&db, &Table::default()).await.unwrap();
                let store = SeaOrmStore::new(db.clone());
                let notices = store.notices().unwrap();
                Arc::new(Cached::notified(store, notices))
            }
            StoreKind::Replicated => Arc::new(SeaOrmStore::new(db.clone()).with_replica(db.clone())),
            _ => Arc::new(SeaOrmStore::new(db.clone())),
        };
        Some(Self { store, db: Some(db), clear, _folder: folder })
    }

    fn without_database(store: impl Store) -> Self {
        Self { store: Arc::new(store), db: None, clear: None, _folder: None }
    }

    pub async fn close(self) {
        if let Some(db) = self.db {
            drop(self.store);
            let _ = db.close().await;
        }
        if let Some((admin, sql)) = self.clear {
            admin.execute_unprepared(&sql).await.unwrap();
        }
    }
}

/// A name that a database takes, another for each test: a long one is cut, and ends with its hash.
fn short(test: &str) -> String {
    if test.len() <= LONGEST_NAME {
        return test.into();
    }
    let mut hasher = DefaultHasher::new();
    test.hash(&mut hasher);
    format!("{}_{:08x}", &test[..LONGEST_NAME - 9], hasher.finish() as u32)
}
