//! Takes over the sessions of an encrypted database store of Plug: the cookie has an id, and the row the session.

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, prelude::DateTime};
use waxseal::{
    Adopt, AdoptError, OldCookie, Timestamp,
    adopt::{
        AdoptStored, Adopted,
        plug::{PlugReader, PlugRow, PlugRows, ReadError, is_row_id},
    },
};

/// Takes over the sessions in the table `sessions`. The reader is the one for session cookies, with the store's salts.
pub fn old_sessions(db: DatabaseConnection, reader: PlugReader) -> impl Adopt {
    let (loads, retires) = ((db.clone(), PlugRows::new(reader)), db);
    AdoptStored::new(
        OldCookie::new("_shop_key"),
        |value| std::str::from_utf8(value).ok().filter(|id| is_row_id(id)).map(String::from),
        move |id, now| load(loads.0.clone(), loads.1.clone(), id, now),
        move |id| retire(retires.clone(), id),
    )
}

async fn load(
    db: DatabaseConnection,
    rows: PlugRows,
    id: String,
    now: Timestamp,
) -> Result<Option<Adopted>, AdoptError> {
    let sql = "SELECT data, valid_from, valid_to FROM sessions WHERE session_cookie = $1";
    let query = Statement::from_sql_and_values(db.get_database_backend(), sql, [id.clone().into()]);
    let Some(row) = db.query_one_raw(query).await? else { return Ok(None) };
    let data: Vec<u8> = row.try_get("", "data")?;
    let time = |column| -> Result<Timestamp, AdoptError> {
        let time: DateTime = row.try_get("", column)?; // Ecto keeps UTC, without saying so
        Ok(Timestamp::from_unix_ms(time.and_utc().timestamp_millis().try_into()?))
    };
    let row = PlugRow { id: &id, data: &data, valid_from: Some(time("valid_from")?), valid_to: time("valid_to")? };
    match rows.read(row, now) {
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
    let sql = "DELETE FROM sessions WHERE session_cookie = $1";
    db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, [id.into()])).await?;
    Ok(())
}
