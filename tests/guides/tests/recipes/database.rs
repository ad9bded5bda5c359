//! A SQLite file with the session table and one user.

use sea_orm::{ActiveModelTrait, ConnectionTrait, Database, DatabaseConnection, Schema, Set};
use sea_orm_migration::MigratorTrait;
use tempfile::TempDir;
use waxseal::sea_orm::Migrator;
use waxseal_guides::user;

/// The database, and the folder that holds it for as long as it is kept.
pub async fn with_user(name: &str, password_hash: &str) -> (DatabaseConnection, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("app.sqlite").display());
    let db = Database::connect(url).await.unwrap();
    Migrator::up(&db, None).await.unwrap();
    db.execute(&Schema::new(db.get_database_backend()).create_table_from_entity(user::Entity)).await.unwrap();
    let user = user::ActiveModel { id: Set(1), name: Set(name.into()), password_hash: Set(password_hash.into()) };
    user.insert(&db).await.unwrap();
    (db, folder)
}
