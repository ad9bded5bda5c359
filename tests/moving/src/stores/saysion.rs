//! `SqlxSqliteStore` and `SqlxPostgresStore` of saysion 0.2.

use anyhow::Result;
use async_trait::async_trait;
use salvo_session::{Session, SessionStore};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use waxseal::{Clock, SystemClock};

use super::{find, run};

#[derive(Clone, Debug)]
pub struct SqlStore(DatabaseConnection);

impl SqlStore {
    /// The store, with its table.
    pub async fn new(db: DatabaseConnection) -> Self {
        let create = "CREATE TABLE IF NOT EXISTS saysion_sessions (
            id TEXT PRIMARY KEY NOT NULL,
            expires BIGINT NULL,
            session TEXT NOT NULL
        )";
        db.execute_unprepared(create).await.unwrap();
        Self(db)
    }
}

#[async_trait]
impl SessionStore for SqlStore {
    async fn load_session(&self, cookie_value: String) -> Result<Option<Session>> {
        let id = Session::id_from_cookie_value(&cookie_value)?;
        let now: i64 = SystemClock.now().unix_seconds().try_into()?;
        let sql = "SELECT session FROM saysion_sessions WHERE id = $1 AND (expires IS NULL OR expires > $2)";
        let Some(row) = find(&self.0, sql, vec![id.into(), now.into()]).await? else { return Ok(None) };
        let json: String = row.try_get("", "session")?;
        Ok(serde_json::from_str::<Session>(&json).ok().and_then(Session::validate))
    }

    async fn store_session(&self, session: Session) -> Result<Option<String>> {
        let sql = "INSERT INTO saysion_sessions (id, expires, session) VALUES ($1, $2, $3)
            ON CONFLICT (id) DO UPDATE SET expires = EXCLUDED.expires, session = EXCLUDED.session";
        let json = serde_json::to_string(&session)?;
        let expires = session.expiry().map(|end| end.unix_timestamp());
        run(&self.0, sql, vec![session.id().into(), expires.into(), json.into()]).await?;
        session.reset_data_changed();
        Ok(session.into_cookie_value())
    }

    async fn destroy_session(&self, session: Session) -> Result<()> {
        run(&self.0, "DELETE FROM saysion_sessions WHERE id = $1", vec![session.id().into()]).await?;
        Ok(())
    }

    async fn clear_store(&self) -> Result<()> {
        run(&self.0, "DELETE FROM saysion_sessions", Vec::new()).await?;
        Ok(())
    }
}
