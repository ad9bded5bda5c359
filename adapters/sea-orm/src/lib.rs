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
//! # One table for each application
//!
//! Where two applications share a database, give each a table of its own. In one table, the sessions of a user "1" are listed
//! and ended by both.
//!
//! ```no_run
//! # use waxseal_sea_orm::{Migrator, SeaOrmStore, Table};
//! # async fn start(db: sea_orm::DatabaseConnection) -> Result<(), Box<dyn std::error::Error>> {
//! let table = Table::new("shop_sessions")?;             // or "auth.shop_sessions", in a schema that exists
//! Migrator::for_table(table.clone()).up(&db).await?;    // or `Migration::for_table(table)` in your own migrator
//! let store = SeaOrmStore::new(db).with_table(&table);
//! # Ok(())
//! # }
//! ```
//!
//! [`entity!`] makes the entity of such a table, to query and to join. Edge functions that read rows name it in their SQL.
//!
//! # Migrations
//!
//! Any number of nodes may call [`Migrator::up`](Migrator) at once. If you have a migrator of your own, add [`Migration`] to
//! it; where several nodes run it at once, use [`up_alone`]. Both may be used on one database, in any order: a table that is there
//! already is left as it is.
//!
//! # Errors
//!
//! What the database rolled back because of others (deadlocks, serialization failures, locks) is tried again, at any isolation
//! level. A connection that was lost while something was written is
//! [`StoreError::Unknown`](waxseal_http::StoreError::Unknown). [`Fate`] tells them apart for your own transactions.
//!
//! # Drivers
//!
//! The crate switches no database driver on: choose `sqlx-sqlite`, `sqlx-postgres` or `sqlx-mysql` and a runtime in your own
//! `sea-orm` dependency.
//!
//! The feature `postgres-failover` has a pool that follows a failover of PostgreSQL, in the module `failover`. It switches
//! `sea-orm/sqlx-postgres` on.
//!
//! On SQLite, open the database with WAL and more than one connection, as `examples/poem-app` does: the default rollback journal
//! is many times slower and lets readers block writers.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod again;
mod cluster;
pub mod entity;
#[cfg(feature = "postgres-failover")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres-failover")))]
pub mod failover;
mod fate;
mod limit;
mod metrics;
#[cfg(feature = "migration")]
mod migration;
#[cfg(feature = "migration")]
mod migrator;
#[cfg(feature = "notices")]
mod notices;
mod on;
mod pooler;
mod statements;
mod store;
mod sweeper;
mod table;
mod values;

pub use entity::{ActiveModel, Column, Entity, Model};
pub use fate::Fate;
#[cfg(feature = "migration")]
pub use migration::{Migration, TableMigration};
#[cfg(feature = "migration")]
pub use migrator::{Migrator, TableMigrator, up_alone};
#[cfg(feature = "notices")]
pub use notices::{NoticesMigration, PostgresNotices, install_notices};
pub use on::StoreOn;
pub use store::SeaOrmStore;
pub use sweeper::{Sweeper, SweeperGuard};
pub use table::{Table, TableNameError};
