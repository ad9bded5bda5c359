//! Migrations: up, down, by several nodes at once, and from one migrator to another.

use std::env;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, EntityTrait, PaginatorTrait, QueryResult,
    Statement, TransactionTrait,
};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use waxseal_conformance::{Bench, Framework, StoreKind};
use waxseal_http::Sessions;
use waxseal_sea_orm::{Entity, Migration, Migrator, SeaOrmStore, Table, up_alone};

use waxseal_conformance::{Client, keyring, on_every_database};

on_every_database! {
    migrates_up_and_down
    goes_from_one_migrator_to_another_and_back
    a_foreign_table_is_not_taken_for_ours
    an_index_that_is_missing_is_made
    a_users_sessions_are_found_by_their_index
}

/// An application's own migrator with ours in it.
struct Own;

#[async_trait::async_trait]
impl MigratorTrait for Own {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Migration)]
    }
}

async fn migrates_up_and_down(db: &DatabaseConnection) {
    assert_eq!(Entity::find().count(db).await.unwrap(), 0);
    Migrator::up(db, None).await.unwrap();
    Migrator::down(db, None).await.unwrap();
    assert!(Entity::find().count(db).await.is_err(), "the table is gone");
    Own::up(db, None).await.unwrap();
    assert_eq!(Entity::find().count(db).await.unwrap(), 0);
    Own::down(db, None).await.unwrap();
    Migrator::up(db, None).await.unwrap();
}

async fn goes_from_one_migrator_to_another_and_back(db: &DatabaseConnection) {
    // The bench has run `Migrator`.
    let sessions = Sessions::builder(keyring(), SeaOrmStore::new(db.clone())).build().unwrap();
    let mut client = Client::new(&sessions);
    client.sign_in("ada").await.unwrap();
    Own::up(db, None).await.unwrap();
    assert_eq!(client.subject().await.unwrap().as_deref(), Some("ada"), "what is there stays");
    Own::up(db, None).await.unwrap();
    Migrator::up(db, None).await.unwrap();
    up_alone::<Own>(db).await.unwrap();
    assert_eq!(client.subject().await.unwrap().as_deref(), Some("ada"));
    // One migrator takes the table away; the other remembers to have made it, and makes it again.
    Own::down(db, None).await.unwrap();
    assert!(Entity::find().count(db).await.is_err());
    Migrator::up(db, None).await.unwrap();
    assert_eq!(Entity::find().count(db).await.unwrap(), 0);
    Own::up(db, None).await.unwrap();
    Migrator::down(db, None).await.unwrap();
    Migrator::down(db, None).await.unwrap();
    Own::down(db, None).await.unwrap();
    up_alone::<Own>(db).await.unwrap();
    assert_eq!(Entity::find().count(db).await.unwrap(), 0);
}

async fn a_foreign_table_is_not_taken_for_ours(db: &DatabaseConnection) {
    db.execute_unprepared("CREATE TABLE sessions (id integer PRIMARY KEY, data text)").await.unwrap();
    let error = Migrator::for_table(Table::new("sessions").unwrap()).up(db).await.unwrap_err().to_string();
    assert!(error.contains("is not a session table") && error.contains("choose another name"), "{error}");
}

async fn an_index_that_is_missing_is_made(db: &DatabaseConnection) {
    let on = if db.get_database_backend() == DbBackend::MySql { " ON waxseal_sessions" } else { "" };
    let drop = format!("DROP INDEX waxseal_sessions_subject{on}");
    db.execute_unprepared(&drop).await.unwrap();
    Migrator::up(db, None).await.unwrap();
    db.execute_unprepared(&drop).await.unwrap();
}

/// The index leaves out sessions without a subject (except on MySQL), and is still used for a query by subject.
async fn a_users_sessions_are_found_by_their_index(db: &DatabaseConnection) {
    let backend = db.get_database_backend();
    let (explain, subject) = match backend {
        DbBackend::Postgres => ("EXPLAIN", "EXECUTE by_subject('ada')"),
        DbBackend::MySql => ("EXPLAIN", "SELECT id FROM waxseal_sessions WHERE subject = 'ada'"),
        _ => ("EXPLAIN QUERY PLAN", "SELECT id FROM waxseal_sessions WHERE subject = ?"),
    };
    let transaction = db.begin().await.unwrap();
    if backend == DbBackend::Postgres {
        for sql in [
            // As for a statement that has run often, whose plan is for any subject.
            "SET LOCAL plan_cache_mode = force_generic_plan",
            "SET LOCAL enable_seqscan = off",
            "PREPARE by_subject(text) AS SELECT id FROM waxseal_sessions WHERE subject = $1",
        ] {
            transaction.execute_unprepared(sql).await.unwrap();
        }
    }
    let rows =
        transaction.query_all_raw(Statement::from_string(backend, format!("{explain} {subject}"))).await.unwrap();
    let text = |row: &QueryResult| {
        let cells = (0..row.column_names().len()).map(|n| row.try_get_by_index::<String>(n).unwrap_or_default());
        cells.collect::<Vec<_>>().join(" ")
    };
    let plan = rows.iter().map(text).collect::<Vec<_>>().join("\n");
    assert!(plan.contains("waxseal_sessions_subject"), "{plan}");
    transaction.rollback().await.unwrap();
}

/// Four nodes, each with connections of its own.
async fn nodes(kind: StoreKind, name: &str, folder: &tempfile::TempDir) -> Vec<DatabaseConnection> {
    let mut nodes = Vec::new();
    for _ in 0..4 {
        let mut options = match kind {
            StoreKind::Postgres => {
                let mut options = ConnectOptions::new(env::var("WAXSEAL_TEST_POSTGRES_URL").unwrap());
                options.set_schema_search_path(format!("waxseal_{name}"));
                options
            }
            StoreKind::MariaDb => {
                let url = env::var("WAXSEAL_TEST_MYSQL_URL").unwrap();
                ConnectOptions::new(format!("{}/waxseal_{name}", url.rsplit_once('/').unwrap().0))
            }
            _ => ConnectOptions::new(format!("sqlite://{}?mode=rwc", folder.path().join("s.sqlite").display())),
        };
        // One connection is enough to migrate.
        options.max_connections(1);
        nodes.push(Database::connect(options).await.unwrap());
    }
    nodes
}

async fn start_at_once(kind: StoreKind, name: &str) {
    let Some(bench) = Bench::open(kind, Framework::Engine, name).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let nodes = nodes(kind, name, &folder).await;
    for round in 0..10 {
        // An empty database, without the tables that remember what was migrated.
        for table in ["waxseal_sessions", "waxseal_migrations", "seaql_migrations"] {
            nodes[0].execute_unprepared(&format!("DROP TABLE IF EXISTS {table}")).await.unwrap();
        }
        let starts: Vec<_> = nodes
            .iter()
            .map(|db| {
                let db = db.clone();
                tokio::spawn(async move {
                    if round % 2 == 0 { Migrator::up(&db, None).await } else { up_alone::<Own>(&db).await }
                })
            })
            .collect();
        for start in starts {
            start.await.unwrap().unwrap();
        }
        assert_eq!(Entity::find().count(&nodes[0]).await.unwrap(), 0);
    }
    for node in nodes {
        node.close().await.unwrap();
    }
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_start_at_once_sqlite() {
    start_at_once(StoreKind::Sqlite, "nodes_sqlite").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_start_at_once_postgres() {
    start_at_once(StoreKind::Postgres, "nodes_postgres").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_start_at_once_mariadb() {
    start_at_once(StoreKind::MariaDb, "nodes_mariadb").await;
}
