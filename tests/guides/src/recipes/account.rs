//! A password change that ends the user's other sessions.

use crate::{error::Error, user};

// --- on the page ---
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, TransactionTrait, sea_query::Expr};
use waxseal::{Clock, SystemClock, Which, axum::SignedIn, sea_orm::SeaOrmStore};

/// Saves a new password and ends the user's other sessions, in one transaction: both happen, or neither.
pub async fn change_password(
    db: &DatabaseConnection,
    store: &SeaOrmStore,
    SignedIn { subject, session }: &SignedIn,
    user_id: i64,
    password_hash: String,
) -> Result<(), Error> {
    let others = session.id().await?.map_or(Which::All, Which::AllBut);

    let transaction = db.begin().await?;
    user::Entity::update_many()
        .col_expr(user::Column::PasswordHash, Expr::value(password_hash))
        .filter(user::Column::Id.eq(user_id))
        .exec(&transaction)
        .await?;
    let sessions = store.on(&transaction);
    let now = sessions.now().await?.unwrap_or_else(|| SystemClock.now());
    sessions.delete_by_subject(subject, others, now).await?;
    transaction.commit().await?;

    // After the commit: refuses sign-ins that are under way with the old password, and ends event streams now.
    session.revoke_others().await?;
    session.renew();
    Ok(())
}
