//! The migration that makes the table and its two indexes.

use sea_orm::DbBackend;
use sea_orm_migration::{
    prelude::*,
    sea_query::{Alias, ColumnDef},
};

use crate::entity::{Column, Entity};

const BY_EXPIRY: &str = "waxseal_sessions_expires_at";
const BY_SUBJECT: &str = "waxseal_sessions_subject";

/// Makes the table `waxseal_sessions`. Add it to your own `Migrator`, or use [`Migrator`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000001_create_waxseal_sessions"
    }
}

/// A migrator of this one migration, for applications without one of their own. It keeps its state in a table of its own,
/// `waxseal_migrations`, and so does not meet another migrator's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Migration)]
    }

    fn migration_table_name() -> DynIden {
        Alias::new("waxseal_migrations").into_iden()
    }
}

/// A text column that is compared byte by byte: MySQL's usual collations take "Ada" and "ada" for one.
fn text(column: Column, backend: DbBackend) -> ColumnDef {
    let mut text = ColumnDef::new(column);
    match backend {
        DbBackend::MySql => text.custom(Alias::new("varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")),
        _ => text.string_len(255),
    };
    text.null();
    text
}

#[async_trait::async_trait]
#[allow(elided_lifetimes_in_paths)] // the trait's own signature
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let mut id = ColumnDef::new(Column::Id);
        match backend {
            // SQLite has no UUID; without a name for the type the 16 bytes stay what they are.
            DbBackend::Sqlite => id.blob(),
            _ => id.uuid(),
        };
        let mut data = ColumnDef::new(Column::Data);
        match backend {
            // A `blob` ends at 65,535 bytes, just under the default bound with its envelope.
            DbBackend::MySql => data.custom(Alias::new("mediumblob")),
            _ => data.blob(),
        };
        let table = Table::create()
            .table(Entity)
            .col(id.not_null().primary_key())
            .col(ColumnDef::new(Column::Generation).big_integer().not_null())
            .col(text(Column::Subject, backend))
            .col(text(Column::Label, backend))
            .col(ColumnDef::new(Column::CreatedAt).big_integer().not_null())
            .col(ColumnDef::new(Column::LifetimeS).big_integer().not_null())
            .col(ColumnDef::new(Column::SeenAt).big_integer().not_null())
            .col(ColumnDef::new(Column::ExpiresAt).big_integer().not_null())
            .col(data.not_null())
            .to_owned();
        manager.create_table(table).await?;
        for (name, column) in [(BY_EXPIRY, Column::ExpiresAt), (BY_SUBJECT, Column::Subject)] {
            manager.create_index(Index::create().name(name).table(Entity).col(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Entity).to_owned()).await
    }
}
