//! A storage of an application's own for Poem's `ServerSession`, with the table of poem-dbsession. That crate itself is for Poem 1.

use std::{collections::BTreeMap, time::Duration};

use poem::{error::InternalServerError, session::SessionStorage};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::Value;
use waxseal::{Clock, SystemClock};

use super::{find, run};

#[derive(Clone)]
pub struct SqlStorage(DatabaseConnection);

impl SqlStorage {
    /// The storage, with its table.
    pub async fn new(db: DatabaseConnection) -> Self {
        let create = "create table if not exists poem_sessions (
            id varchar(128) not null primary key,
            expires bigint null,
            session text not null
        )";
        db.execute_unprepared(create).await.unwrap();
        Self(db)
    }
}

fn now() -> i64 {
    SystemClock.now().unix_seconds().try_into().unwrap_or(i64::MAX)
}

impl SessionStorage for SqlStorage {
    async fn load_session<'a>(&'a self, id: &'a str) -> poem::Result<Option<BTreeMap<String, Value>>> {
        let sql = "select session from poem_sessions where id = $1 and (expires is null or expires > $2)";
        let row = find(&self.0, sql, vec![id.into(), now().into()]).await.map_err(InternalServerError)?;
        let Some(row) = row else { return Ok(None) };
        let json: String = row.try_get("", "session").map_err(InternalServerError)?;
        serde_json::from_str(&json).map(Some).map_err(InternalServerError)
    }

    async fn update_session<'a>(
        &'a self,
        id: &'a str,
        entries: &'a BTreeMap<String, Value>,
        expires: Option<Duration>,
    ) -> poem::Result<()> {
        let sql = "insert into poem_sessions (id, session, expires) values ($1, $2, $3)
            on conflict (id) do update set expires = excluded.expires, session = excluded.session";
        let json = serde_json::to_string(entries).map_err(InternalServerError)?;
        let expires = expires.map(|after| now().saturating_add_unsigned(after.as_secs()));
        run(&self.0, sql, vec![id.into(), json.into(), expires.into()]).await.map_err(InternalServerError)?;
        Ok(())
    }

    async fn remove_session<'a>(&'a self, id: &'a str) -> poem::Result<()> {
        run(&self.0, "delete from poem_sessions where id = $1", vec![id.into()]).await.map_err(InternalServerError)?;
        Ok(())
    }
}
