//! Databases with the session table and one user: a SQLite file, and the servers that the environment names.

use std::env;

use sea_orm::{ActiveModelTrait, ConnectionTrait, Database, DatabaseConnection, Schema, Set};
use sea_orm_migration::MigratorTrait;
use tempfile::TempDir;
use waxseal::sea_orm::Migrator;
use waxseal_guides::user;

/// A database of its own.
pub struct OwnDatabase {
    pub db: DatabaseConnection,
    _folder: Option<TempDir>,
    /// The server, and what removes the database from it.
    server: Option<(DatabaseConnection, String)>,
}

impl OwnDatabase {
    /// A SQLite file.
    pub async fn sqlite(name: &str, password_hash: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("app.sqlite").display());
        let db = connect(&url, name, password_hash).await;
        Self { db, _folder: Some(folder), server: None }
    }

    /// A SQLite file, and a database on each server that the environment names.
    pub async fn of_each_kind(test: &str, name: &str, password_hash: &str) -> Vec<Self> {
        let mut all = vec![Self::sqlite(name, password_hash).await];
        for variable in ["WAXSEAL_TEST_POSTGRES_URL", "WAXSEAL_TEST_MYSQL_URL"] {
            let Ok(url) = env::var(variable) else {
                eprintln!("{test}: not on the server of {variable}, which is not set");
                continue;
            };
            let server = Database::connect(&url).await.unwrap();
            let own = format!("waxseal_guides_{test}");
            for sql in [format!("DROP DATABASE IF EXISTS {own}"), format!("CREATE DATABASE {own}")] {
                server.execute_unprepared(&sql).await.unwrap();
            }
            let (address, _) = url.rsplit_once('/').unwrap();
            let db = connect(&format!("{address}/{own}"), name, password_hash).await;
            all.push(Self { db, _folder: None, server: Some((server, format!("DROP DATABASE {own}"))) });
        }
        all
    }

    /// Removes it.
    pub async fn remove(self) {
        self.db.close().await.unwrap();
        if let Some((server, sql)) = self.server {
            server.execute_unprepared(&sql).await.unwrap();
        }
    }
}

async fn connect(url: &str, name: &str, password_hash: &str) -> DatabaseConnection {
    let db = Database::connect(url).await.unwrap();
    Migrator::up(&db, None).await.unwrap();
    db.execute(&Schema::new(db.get_database_backend()).create_table_from_entity(user::Entity)).await.unwrap();
    let user = user::ActiveModel { id: Set(1), name: Set(name.into()), password_hash: Set(password_hash.into()) };
    user.insert(&db).await.unwrap();
    db
}
