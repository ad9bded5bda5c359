//! The other systems' database stores, with their tables, their SQL and their records, on the connection of this test.
//!
//! The crates themselves (`tower-sessions-sqlx-store` 0.15, saysion's SQL stores) use sqlx 0.8. One build cannot have that and the
//! newest `libsqlite3-sys`, which SeaORM 2 brings. So the statements stand here as those crates have them.

pub mod poem;
pub mod saysion;
pub mod tower_sessions;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, ExecResult, QueryResult, Statement, Value};

async fn run(db: &DatabaseConnection, sql: &str, values: Vec<Value>) -> Result<ExecResult, DbErr> {
    db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await
}

async fn find(db: &DatabaseConnection, sql: &str, values: Vec<Value>) -> Result<Option<QueryResult>, DbErr> {
    db.query_one_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await
}
