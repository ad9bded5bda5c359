//! The user with a name and a password.

use crate::{recipes::passwords::check_password, user};

// --- on the page ---
use sea_orm::{ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct SignInForm {
    pub name: String,
    pub password: String,
}

/// The user with this name and password.
pub async fn find_user(db: &DatabaseConnection, name: &str, password: String) -> Result<Option<user::Model>, DbErr> {
    let user = user::Entity::find().filter(user::Column::Name.eq(name)).one(db).await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    Ok(if check_password(password, hash).await { user } else { None })
}
