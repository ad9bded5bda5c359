//! What an application does once, on every page of `docs/moving`.

use std::error::Error;

use sea_orm::Database;
use sea_orm_migration::MigratorTrait;
use waxseal::{
    Keyring, Sessions,
    sea_orm::{Migrator, SeaOrmStore, Sweeper, SweeperGuard},
};

use super::tower_sessions::adopt::sessions;

pub async fn start() -> Result<(Sessions, SweeperGuard), Box<dyn Error>> {
    let keyring = Keyring::from_text(&std::env::var("WAXSEAL_KEYS").unwrap_or_default())?;
    let db = Database::connect(&std::env::var("DATABASE_URL")?).await?;
    Migrator::up(&db, None).await?;
    let sweeper = Sweeper::new(SeaOrmStore::new(db.clone())).spawn(); // deletes expired rows for as long as it is kept
    let sessions = sessions(keyring, db).build()?; // the function `sessions` is on each page
    Ok((sessions, sweeper))
}
