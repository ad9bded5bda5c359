//! Signing up.

use crate::{error::Error, recipes::passwords::hash_password, user};

// --- on the page ---
use sea_orm::{ActiveModelTrait, ActiveValue::NotSet, DatabaseConnection, Set, SqlErr};

/// Makes a user. `None` if the name is taken.
pub async fn sign_up(db: &DatabaseConnection, name: &str, password: String) -> Result<Option<user::Model>, Error> {
    let hash = tokio::task::spawn_blocking(move || hash_password(&password)).await;
    let hash = hash.map_err(Error::other)?.map_err(Error::other)?;
    let user = user::ActiveModel { id: NotSet, name: Set(name.into()), password_hash: Set(hash) };
    match user.insert(db).await {
        Ok(user) => Ok(Some(user)),
        // The database decides: two people may ask for the same name at once.
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
