//! Takes over the sessions of Poem's `ServerSession`.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use waxseal::{
    Adopt, AdoptError, CookieOptions, Keyring, OldCookie, Sessions, SessionsBuilder, Timestamp,
    adopt::{
        AdoptStored, Adopted, ReadError,
        poem::{PoemCookie, read_entries},
    },
    sea_orm::SeaOrmStore,
};

/// Takes over the sessions that `ServerSession` made.
pub fn old_sessions(db: DatabaseConnection) -> impl Adopt {
    let cookie = PoemCookie::plain("poem-session"); // or `signed`, or `private`, as `CookieConfig` was
    let (loads, retires) = (db.clone(), db);
    AdoptStored::new(
        OldCookie::new("poem-session"),
        move |value| cookie.session_id(std::str::from_utf8(value).ok()?).ok(),
        move |id, now| load(loads.clone(), id, now),
        move |id| retire(retires.clone(), id),
    )
}

async fn load(db: DatabaseConnection, id: String, now: Timestamp) -> Result<Option<Adopted>, AdoptError> {
    let sql = "SELECT session, expires FROM poem_sessions WHERE id = $1";
    let query = Statement::from_sql_and_values(db.get_database_backend(), sql, [id.clone().into()]);
    let Some(row) = db.query_one_raw(query).await? else { return Ok(None) };
    let json: String = row.try_get("", "session")?;
    let expires: Option<i64> = row.try_get("", "expires")?;
    let expires = expires.and_then(|seconds| u64::try_from(seconds).ok()).map(Timestamp::from_unix_seconds);
    match read_entries(&id, json.as_bytes(), expires, now) {
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
    let sql = "DELETE FROM poem_sessions WHERE id = $1";
    db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, [id.into()])).await?;
    Ok(())
}

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Sessions that last as those of `CookieConfig` did by default: until the browser closes.
pub fn sessions(keyring: Keyring, db: DatabaseConnection) -> SessionsBuilder {
    Sessions::builder(keyring, SeaOrmStore::new(db.clone()))
        .adopt(old_sessions(db))
        .cookie(CookieOptions::new().until_browser_closes())
        .idle_timeout(14 * DAY)
        .lifetime(90 * DAY)
}
