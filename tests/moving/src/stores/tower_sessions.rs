//! `SqliteStore` and `PostgresStore` of tower-sessions-sqlx-store 0.15.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, prelude::DateTimeUtc};
use time::OffsetDateTime;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store::{Error, Result},
};

use super::{find, run};

#[derive(Clone, Debug)]
pub struct SqlStore {
    db: DatabaseConnection,
    table: &'static str,
}

impl SqlStore {
    /// The store, with its table.
    pub async fn new(db: DatabaseConnection) -> Self {
        let (table, create) = match db.get_database_backend() {
            DbBackend::Postgres => (
                r#""tower_sessions"."session""#,
                r#"create schema if not exists "tower_sessions";
                create table if not exists "tower_sessions"."session"
                (
                    id text primary key not null,
                    data bytea not null,
                    expiry_date timestamptz not null
                )"#,
            ),
            _ => (
                "tower_sessions",
                "create table if not exists tower_sessions
                (
                    id text primary key not null,
                    data blob not null,
                    expiry_date integer not null
                )",
            ),
        };
        db.execute_unprepared(create).await.unwrap();
        Self { db, table }
    }
}

fn backend(error: impl std::fmt::Display) -> Error {
    Error::Backend(error.to_string())
}

fn date(date: OffsetDateTime) -> DateTimeUtc {
    DateTimeUtc::from_timestamp(date.unix_timestamp(), date.nanosecond()).unwrap()
}

#[async_trait]
impl SessionStore for SqlStore {
    async fn save(&self, record: &Record) -> Result<()> {
        let data = rmp_serde::to_vec(record).map_err(|error| Error::Encode(error.to_string()))?;
        let sql = format!(
            "insert into {} (id, data, expiry_date) values ($1, $2, $3)
            on conflict (id) do update set data = excluded.data, expiry_date = excluded.expiry_date",
            self.table
        );
        let values = vec![record.id.to_string().into(), data.into(), date(record.expiry_date).into()];
        run(&self.db, &sql, values).await.map_err(backend)?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let sql = format!("select data from {} where id = $1 and expiry_date > $2", self.table);
        let values = vec![id.to_string().into(), date(OffsetDateTime::now_utc()).into()];
        let Some(row) = find(&self.db, &sql, values).await.map_err(backend)? else { return Ok(None) };
        let data: Vec<u8> = row.try_get("", "data").map_err(backend)?;
        rmp_serde::from_slice(&data).map(Some).map_err(|error| Error::Decode(error.to_string()))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        run(&self.db, &format!("delete from {} where id = $1", self.table), vec![id.to_string().into()])
            .await
            .map_err(backend)?;
        Ok(())
    }
}
