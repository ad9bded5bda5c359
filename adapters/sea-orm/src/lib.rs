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

pub mod entity;
#[cfg(feature = "migration")]
mod migration;
mod statements;
mod store;
mod sweeper;

pub use entity::{ActiveModel, Column, Entity, Model};
#[cfg(feature = "migration")]
pub use migration::{Migration, Migrator};
pub use store::{SeaOrmStore, StoreOn};
pub use sweeper::{Sweeper, SweeperGuard};
