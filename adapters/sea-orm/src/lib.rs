//! waxseal's session store on SeaORM: SQLite, PostgreSQL and MySQL/MariaDB from one entity.
//!
//! ```no_run
//! use sea_orm_migration::MigratorTrait;
//! use waxseal_http::{Keyring, Sessions};
//! use waxseal_sea_orm::{Migrator, SeaOrmStore, Sweeper};
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let db = sea_orm::Database::connect("postgres://localhost/shop").await?;
//! Migrator::up(&db, None).await?;
//! let store = SeaOrmStore::new(db);
//! let _sweeper = Sweeper::new(store.clone()).spawn();
//! let sessions = Sessions::builder(Keyring::from_text(&std::env::var("WAXSEAL_KEYS")?)?, store).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! The crate switches no database driver on: choose `sqlx-sqlite`, `sqlx-postgres` or `sqlx-mysql` and a runtime in your own
//! `sea-orm` dependency.
//!
//! On SQLite, open the database with WAL and more than one connection, as `examples/poem-app` does: the default rollback journal
//! is many times slower and lets readers block writers.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod again;
pub mod entity;
mod fate;
#[cfg(feature = "migration")]
mod migration;
#[cfg(feature = "migration")]
mod migrator;
mod statements;
mod store;
mod sweeper;
mod table;

pub use entity::{ActiveModel, Column, Entity, Model};
pub use fate::Fate;
#[cfg(feature = "migration")]
pub use migration::{Migration, TableMigration};
#[cfg(feature = "migration")]
pub use migrator::{Migrator, TableMigrator, up_alone};
pub use store::{SeaOrmStore, StoreOn};
pub use sweeper::{Sweeper, SweeperGuard};
pub use table::{Table, TableNameError};
