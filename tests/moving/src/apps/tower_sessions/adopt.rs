//! Takes over the sessions of tower-sessions-sqlx-store.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use waxseal::{
    Adopt, AdoptError, CookieOptions, Keyring, OldCookie, SameSite, Sessions, SessionsBuilder, Timestamp,
    adopt::{
        AdoptStored, Adopted, ReadError,
        tower_sessions::{TowerSessionsCookie, read_record},
    },
    sea_orm::SeaOrmStore,
};

/// Takes over the sessions that tower-sessions made.
pub fn old_sessions(db: DatabaseConnection) -> impl Adopt {
    let cookie = TowerSessionsCookie::plain("id"); // the name of `with_name`
    let (loads, retires) = (db.clone(), db);
    AdoptStored::new(
        OldCookie::new("id"),
        move |value| cookie.session_id(std::str::from_utf8(value).ok()?).ok(),
        move |id, now| load(loads.clone(), id, now),
        move |id| retire(retires.clone(), id),
    )
}

async fn load(db: DatabaseConnection, id: String, now: Timestamp) -> Result<Option<Adopted>, AdoptError> {
    let sql = format!("SELECT data FROM {} WHERE id = $1", table(&db));
    let query = Statement::from_sql_and_values(db.get_database_backend(), sql, [id.clone().into()]);
    let Some(row) = db.query_one_raw(query).await? else { return Ok(None) };
    let data: Vec<u8> = row.try_get("", "data")?;
    match read_record(&id, &data, now) {
        Ok(adopted) => {
            let mut adopted = adopted.subject_from("user_id"); // where your application keeps who is signed in
            adopted.expires_at = None; // the idle timeout begins anew, as it does at every use
            Ok(Some(adopted))
        }
        Err(ReadError::Expired) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn retire(db: DatabaseConnection, id: String) -> Result<(), AdoptError> {
    let sql = format!("DELETE FROM {} WHERE id = $1", table(&db));
    db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, [id.into()])).await?;
    Ok(())
}

/// The table of `PostgresStore`, or of `SqliteStore`, unless `with_table_name` chose another.
fn table(db: &DatabaseConnection) -> &'static str {
    match db.get_database_backend() {
        DbBackend::Postgres => "tower_sessions.session",
        _ => "tower_sessions",
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Sessions that last as those of tower-sessions did by default.
pub fn sessions(keyring: Keyring, db: DatabaseConnection) -> SessionsBuilder {
    Sessions::builder(keyring, SeaOrmStore::new(db.clone()))
        .adopt(old_sessions(db))
        .cookie(CookieOptions::new().same_site(SameSite::Strict).until_browser_closes())
        .idle_timeout(14 * DAY)
        .lifetime(90 * DAY)
}
