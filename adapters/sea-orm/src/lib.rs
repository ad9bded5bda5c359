//! waxseal's session store on SeaORM: SQLite, PostgreSQL and MySQL/MariaDB with one entity.
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
//! If two applications share a database, give each a table of its own. In a shared table, the sessions of a user "1" are listed
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
//! [`entity!`] makes the entity of such a table, for queries and joins. Edge functions that read rows must use its name in their
//! SQL.
//!
//! # Migrations
//!
//! Any number of nodes may call [`Migrator::up`](Migrator) at once. If you have a migrator of your own, add [`Migration`] to it;
//! if several nodes run it at once, use [`up_alone`]. Both may be used on one database, in any order: an existing table is left
//! as it is.
//!
//! # Errors
//!
//! Statements that the database rolled back because of others (deadlocks, serialization failures, locks) are repeated, at any
//! isolation level. If the connection was lost during a write, the error is
//! [`StoreError::Unknown`](waxseal_http::StoreError::Unknown). [`Fate`] tells these cases apart for your own transactions.
//!
//! # Drivers
//!
//! The crate enables no database driver: choose `sqlx-sqlite`, `sqlx-postgres` or `sqlx-mysql` and a runtime in your own
//! `sea-orm` dependency.
//!
//! The features `postgres-failover` and `mysql-failover` add the module `failover`, for a pool that follows a failover. They enable
//! `sea-orm/sqlx-postgres` and `sea-orm/sqlx-mysql`.
//!
//! On SQLite, open the database with WAL and more than one connection, as `examples/poem-app` does. The default rollback journal
//! is many times slower, and readers block writers.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod again;
mod cluster;
pub mod entity;
#[cfg(any(feature = "postgres-failover", feature = "mysql-failover"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "postgres-failover", feature = "mysql-failover"))))]
pub mod failover;
mod fate;
mod limit;
mod loads;
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
