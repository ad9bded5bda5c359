//! Takes over the sessions of saysion's SQL stores.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use waxseal::{
    Adopt, AdoptError, Keyring, OldCookie, Sessions, SessionsBuilder, Timestamp,
    adopt::{
        AdoptStored, Adopted, CookieKey, ReadError,
        salvo::{SalvoCookie, read_row},
    },
    sea_orm::SeaOrmStore,
};

/// Takes over the sessions that salvo-session kept in a database.
pub fn old_sessions(db: DatabaseConnection, secret: &[u8]) -> impl Adopt {
    let cookie = SalvoCookie::new(CookieKey::from(secret)); // the secret of `SessionHandler::builder`
    let (loads, retires) = (db.clone(), db);
    AdoptStored::new(
        OldCookie::new("salvo.session.id"),
        move |value| cookie.row_id(std::str::from_utf8(value).ok()?).ok(),
        move |id, now| load(loads.clone(), id, now),
        move |id| retire(retires.clone(), id),
    )
}

async fn load(db: DatabaseConnection, id: String, now: Timestamp) -> Result<Option<Adopted>, AdoptError> {
    let sql = "SELECT session FROM saysion_sessions WHERE id = $1";
    let query = Statement::from_sql_and_values(db.get_database_backend(), sql, [id.clone().into()]);
    let Some(row) = db.query_one_raw(query).await? else { return Ok(None) };
    let json: String = row.try_get("", "session")?;
    match read_row(&id, json.as_bytes(), now) {
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
    let sql = "DELETE FROM saysion_sessions WHERE id = $1";
    db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, [id.into()])).await?;
    Ok(())
}

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Sessions that last as those of salvo-session did by default: for a day after the last use.
pub fn sessions(keyring: Keyring, db: DatabaseConnection, secret: &[u8]) -> SessionsBuilder {
    Sessions::builder(keyring, SeaOrmStore::new(db.clone()))
        .adopt(old_sessions(db, secret))
        .idle_timeout(DAY)
        .lifetime(90 * DAY)
}
