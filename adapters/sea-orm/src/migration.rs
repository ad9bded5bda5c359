//! The migration that makes the table and its two indexes. It may run again, or at the same time as another one: what exists
//! stays.

use sea_orm::{DbBackend, Iterable, Statement};
use sea_orm_migration::{
    prelude::*,
    sea_query::{Alias, ColumnDef},
};

use crate::{Table, entity::Column, fate::Code};

/// Makes the table `waxseal_sessions`. Add it to your own `Migrator`; without one, use [`Migrator`](crate::Migrator).
///
/// It changes nothing if the table exists, so an application can change from `Migrator` to its own migrator. If several nodes run
/// your own migrator at once, use [`up_alone`](crate::up_alone).
#[derive(Clone, Copy, Debug, Default)]
pub struct Migration;

impl Migration {
    /// Makes a table with another name.
    ///
    /// ```
    /// use sea_orm_migration::prelude::*;
    /// use waxseal_sea_orm::{Migration, Table};
    ///
    /// struct Migrator;
    ///
    /// impl MigratorTrait for Migrator {
    ///     fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    ///         let sessions = Table::new("shop_sessions").expect("a plain name");
    ///         vec![Box::new(Migration::for_table(sessions))]
    ///     }
    /// }
    /// ```
    pub fn for_table(table: Table) -> TableMigration {
        TableMigration { name: format!("m20261122_000001_create_{}", table.flat()), table }
    }
}

/// Makes a table with a chosen name; see [`Migration::for_table`].
#[derive(Clone, Debug)]
pub struct TableMigration {
    name: String,
    table: Table,
}

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000001_create_waxseal_sessions"
    }
}

#[async_trait::async_trait]
#[allow(elided_lifetimes_in_paths)] // the trait's own signature
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Self::for_table(Table::default()).up(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Self::for_table(Table::default()).down(manager).await
    }
}

impl MigrationName for TableMigration {
    fn name(&self) -> &str {
        &self.name
    }
}

#[async_trait::async_trait]
#[allow(elided_lifetimes_in_paths)] // the trait's own signature
impl MigrationTrait for TableMigration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        manager.create_table(self.create(backend)).await?;
        self.check(manager).await?;
        for mut index in self.indexes(backend) {
            match backend {
                DbBackend::MySql => self.add_where_missing(manager, index).await?,
                _ => manager.create_index(index.if_not_exists().take()).await?,
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(sea_query::Table::drop().table(self.table.reference()).if_exists().take()).await
    }
}

impl TableMigration {
    fn create(&self, backend: DbBackend) -> TableCreateStatement {
        let mut id = ColumnDef::new(Column::Id);
        match backend {
            // SQLite has no UUID. Without a type name the 16 bytes are stored unchanged.
            DbBackend::Sqlite => id.blob(),
            _ => id.uuid(),
        };
        let mut data = ColumnDef::new(Column::Data);
        match backend {
            // A `blob` holds at most 65,535 bytes: slightly less than the default maximum with its envelope.
            DbBackend::MySql => data.custom(Alias::new("mediumblob")),
            _ => data.blob(),
        };
        let mut create = sea_query::Table::create()
            .table(self.table.reference())
            .if_not_exists()
            .col(id.not_null().primary_key())
            .col(ColumnDef::new(Column::Generation).big_integer().not_null())
            .col(text(Column::Subject, backend))
            .col(text(Column::Label, backend))
            .col(ColumnDef::new(Column::CreatedAt).big_integer().not_null())
            .col(ColumnDef::new(Column::LifetimeS).big_integer().not_null())
            .col(ColumnDef::new(Column::SeenAt).big_integer().not_null())
            .col(ColumnDef::new(Column::ExpiresAt).big_integer().not_null())
            .col(data.not_null())
            .take();
        if backend == DbBackend::MySql {
            // In one statement, because MySQL has neither transactions for these nor `CREATE INDEX IF NOT EXISTS`.
            for mut index in self.indexes(backend) {
                create.index(&mut index);
            }
        }
        create
    }

    fn indexes(&self, backend: DbBackend) -> [IndexCreateStatement; 2] {
        let [expiry, mut subject] = [Column::ExpiresAt, Column::Subject].map(|column| {
            let name = format!("{}_{}", self.table.name(), column.to_string());
            Index::create().name(name).table(self.table.reference()).col(column).take()
        });
        // No query looks for sessions without a subject. MySQL has no partial indexes.
        if backend != DbBackend::MySql {
            subject.and_where(Expr::col(Column::Subject).is_not_null());
        }
        [expiry, subject]
    }

    /// Adds an index that is missing on MySQL: an older migration made them one by one and may have been interrupted.
    async fn add_where_missing(&self, manager: &SchemaManager<'_>, index: IndexCreateStatement) -> Result<(), DbErr> {
        let name = index.get_index_spec().get_name().unwrap_or_default().to_owned();
        let sql = "SELECT 1 FROM information_schema.statistics \
                   WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? AND index_name = ?";
        let values = [self.table.schema().into(), self.table.name().into(), name.into()];
        let statement = Statement::from_sql_and_values(DbBackend::MySql, sql, values);
        if manager.get_connection().query_one_raw(statement).await?.is_some() {
            return Ok(());
        }
        match manager.create_index(index).await {
            Err(error) if Code::of(&error).is_some_and(|code| code.exists_already()) => Ok(()),
            created => created,
        }
    }

    /// Checks that an existing table of this name is a session table.
    async fn check(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        let columns: Vec<String> = Column::iter().map(|column| column.to_string()).collect();
        let table = self.table.quoted(manager.get_database_backend());
        let sql = format!("SELECT {} FROM {table} WHERE 1 = 0", columns.join(", "));
        manager.get_connection().execute_unprepared(&sql).await.map(drop).map_err(|error| {
            DbErr::Migration(format!(
                "the table {} is not a session table, or cannot be read ({error}); check the role's privileges, or choose another name with `Migration::for_table`",
                self.table
            ))
        })
    }
}

/// A text column that is compared byte by byte: MySQL's usual collations treat "Ada" and "ada" as equal.
fn text(column: Column, backend: DbBackend) -> ColumnDef {
    let mut text = ColumnDef::new(column);
    match backend {
        DbBackend::MySql => text.custom(Alias::new("varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")),
        _ => text.string_len(255),
    };
    text.null();
    text
}
