//! Takes over the sessions of axum-login.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use waxseal::{
    Adopt, AdoptError, CookieOptions, Keyring, OldCookie, SameSite, Sessions, SessionsBuilder, Timestamp,
    adopt::{
        AdoptStored, Adopted, ReadError,
        tower_sessions::{AXUM_LOGIN_KEY, AxumLogin, TowerSessionsCookie, read_record},
    },
    sea_orm::SeaOrmStore,
};

use super::users::Users;

/// Takes over the sessions that axum-login made.
pub fn old_sessions(db: DatabaseConnection, users: Users) -> impl Adopt {
    let cookie = TowerSessionsCookie::plain("shop.sid"); // the name of `with_name`, which is "id" by default
    let (loads, retires) = (db.clone(), db);
    AdoptStored::new(
        OldCookie { path: "/shop".into(), domain: Some("example.com".into()), ..OldCookie::new("shop.sid") },
        move |value| cookie.session_id(std::str::from_utf8(value).ok()?).ok(),
        move |id, now| load(loads.clone(), users.clone(), id, now),
        move |id| retire(retires.clone(), id),
    )
}

async fn load(db: DatabaseConnection, users: Users, id: String, now: Timestamp) -> Result<Option<Adopted>, AdoptError> {
    let sql = format!("SELECT data FROM {} WHERE id = $1", table(&db));
    let query = Statement::from_sql_and_values(db.get_database_backend(), sql, [id.clone().into()]);
    let Some(row) = db.query_one_raw(query).await? else { return Ok(None) };
    let data: Vec<u8> = row.try_get("", "data")?;
    let mut adopted = match read_record(&id, &data, now) {
        Ok(adopted) => adopted, // its subject is the user of axum-login
        Err(ReadError::Expired) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if let Some(subject) = &adopted.subject {
        // As `AuthSession` does: a session from before the user's last change of password is over.
        let login = AxumLogin::from_data(&adopted.data, AXUM_LOGIN_KEY);
        let hash = login.and_then(|login| login.auth_hash);
        let Some(user) = users.find(subject.parse()?).await? else { return Ok(None) };
        if hash.is_none_or(|hash| hash.as_bytes() != user.password_hash.as_bytes()) {
            return Ok(None);
        }
    }
    adopted.data.remove(AXUM_LOGIN_KEY);
    adopted.expires_at = None; // the idle timeout begins anew, as it does at every use
    Ok(Some(adopted))
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

/// Sessions that last as those of `Expiry::OnInactivity(Duration::days(7))` did.
pub fn sessions(keyring: Keyring, db: DatabaseConnection, users: Users) -> SessionsBuilder {
    Sessions::builder(keyring, SeaOrmStore::new(db.clone()))
        .adopt(old_sessions(db, users))
        .cookie(CookieOptions::new().same_site(SameSite::Strict))
        .idle_timeout(7 * DAY)
        .lifetime(90 * DAY)
}
