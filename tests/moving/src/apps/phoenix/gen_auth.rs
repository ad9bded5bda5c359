//! Takes over the sessions of `mix phx.gen.auth`: the cookie has a token, and the table `users_tokens` says whose it is.

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, prelude::DateTime};
use waxseal::{
    Adopt, AdoptError, OldCookie, Timestamp,
    adopt::{AdoptStored, Adopted, plug::PlugReader},
};

/// `@session_validity_in_days` of `user_token.ex`, in seconds.
const VALIDITY_S: u64 = 14 * 24 * 3600;

/// Takes over the sessions in the cookie `_shop_key` whose token is in the table.
pub fn old_sessions(db: DatabaseConnection, reader: PlugReader) -> impl Adopt {
    let (authentic, loads, retires) = (reader.clone(), (db.clone(), reader.clone()), (db, reader));
    AdoptStored::new(
        OldCookie::new("_shop_key"),
        // The whole cookie is the id, because it has the data. The token in it leads to the row.
        move |value| {
            authentic.read(value, Timestamp::default()).ok()?;
            String::from_utf8(value.to_vec()).ok()
        },
        move |cookie, now| load(loads.0.clone(), loads.1.clone(), cookie, now),
        move |cookie| retire(retires.0.clone(), retires.1.clone(), cookie),
    )
}

async fn load(
    db: DatabaseConnection,
    reader: PlugReader,
    cookie: String,
    now: Timestamp,
) -> Result<Option<Adopted>, AdoptError> {
    let Some(mut adopted) = reader.read(cookie.as_bytes(), now)?.into_adopted() else { return Ok(None) };
    // A session without a token is nobody's. It is adopted with its data.
    let Some(token) = adopted.data.remove("user_token") else { return Ok(Some(adopted)) };
    let sql = "SELECT user_id, inserted_at FROM users_tokens WHERE token = $1 AND context = 'session'";
    let token: Vec<u8> = waxseal::from_value(&token)?;
    let query = Statement::from_sql_and_values(db.get_database_backend(), sql, [token.into()]);
    let Some(row) = db.query_one_raw(query).await? else { return Ok(None) };
    let user: i64 = row.try_get("", "user_id")?;
    let began: DateTime = row.try_get("", "inserted_at")?; // Ecto keeps UTC, without saying so
    let began = Timestamp::from_unix_seconds(began.and_utc().timestamp().try_into()?);
    adopted.subject = Some(user.to_string());
    adopted.created_at = Some(began);
    Ok(Some(adopted.ends_at(began.plus_seconds(VALIDITY_S))))
}

/// As `log_out_user` does: the token is deleted.
async fn retire(db: DatabaseConnection, reader: PlugReader, cookie: String) -> Result<(), AdoptError> {
    let session = reader.read(cookie.as_bytes(), Timestamp::default())?.into_data().unwrap_or_default();
    let Some(token) = session.get::<Vec<u8>>("user_token")? else { return Ok(()) };
    let sql = "DELETE FROM users_tokens WHERE token = $1 AND context = 'session'";
    db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, [token.into()])).await?;
    Ok(())
}
