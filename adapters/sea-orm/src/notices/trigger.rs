//! The trigger that tells of changed rows, and the migration that makes it.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement, TransactionTrait};
use sea_orm_migration::{
    MigrationName, MigrationTrait, SchemaManager,
    sea_orm::{self, DatabaseExecutor},
};

use crate::Table;

/// The names of what the migration makes, and of the channel.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// The table, quoted.
    pub(super) table: String,
    pub(super) channel: String,
    function: String,
    /// The trigger of single rows.
    pub(super) change: String,
    /// The trigger of TRUNCATE.
    truncate: String,
}

impl Names {
    pub(super) fn of(table: &Table) -> Self {
        let schema = table.schema().map_or_else(String::new, |schema| format!("\"{schema}\"."));
        Self {
            table: table.quoted(DbBackend::Postgres),
            channel: table.flat(),
            function: format!("{schema}\"{}_notice\"", table.name()),
            change: format!("{}_change", table.name()),
            truncate: format!("{}_all", table.name()),
        }
    }

    pub(super) async fn is_installed(&self, db: &impl ConnectionTrait) -> Result<bool, DbErr> {
        let sql = "SELECT 1 FROM pg_catalog.pg_trigger \
                   WHERE tgrelid = to_regclass($1) AND tgname = $2 AND tgenabled <> 'D'";
        let values = [self.table.clone().into(), self.change.clone().into()];
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        Ok(db.query_one_raw(statement).await?.is_some())
    }

    /// What makes function and triggers. It may run again.
    fn create(&self) -> [String; 5] {
        let Self { table, channel, function, change, truncate } = self;
        [
            // A row whose time was over has no copy that counts: the sweeper tells nothing. A touch moves two times forward and
            // changes nothing else: nothing is told either.
            format!(
                "CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $body$ \
                 BEGIN \
                   IF TG_OP = 'TRUNCATE' THEN \
                     PERFORM pg_notify('{channel}', 'a'); \
                   ELSIF TG_OP = 'DELETE' THEN \
                     IF OLD.generation > 0 AND OLD.expires_at > EXTRACT(EPOCH FROM clock_timestamp()) THEN \
                       PERFORM pg_notify('{channel}', 'o ' || OLD.id); \
                     END IF; \
                   ELSIF NEW.generation > OLD.generation AND NEW.id = OLD.id THEN \
                     PERFORM pg_notify('{channel}', 'c ' || NEW.id || ' ' || NEW.generation); \
                   ELSIF (NEW.id, NEW.generation, NEW.subject, NEW.label, NEW.created_at, NEW.lifetime_s, NEW.data) \
                       IS DISTINCT FROM \
                       (OLD.id, OLD.generation, OLD.subject, OLD.label, OLD.created_at, OLD.lifetime_s, OLD.data) \
                       OR NEW.expires_at < OLD.expires_at THEN \
                     PERFORM pg_notify('{channel}', 'o ' || OLD.id); \
                   END IF; \
                   RETURN NULL; \
                 END $body$"
            ),
            format!("DROP TRIGGER IF EXISTS \"{change}\" ON {table}"),
            format!(
                "CREATE TRIGGER \"{change}\" AFTER UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()"
            ),
            format!("DROP TRIGGER IF EXISTS \"{truncate}\" ON {table}"),
            format!(
                "CREATE TRIGGER \"{truncate}\" AFTER TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
            ),
        ]
    }

    fn drop(&self) -> [String; 3] {
        let Self { table, function, change, truncate, .. } = self;
        [
            format!("DROP TRIGGER IF EXISTS \"{change}\" ON {table}"),
            format!("DROP TRIGGER IF EXISTS \"{truncate}\" ON {table}"),
            format!("DROP FUNCTION IF EXISTS {function}()"),
        ]
    }
}

/// Makes the trigger for the notices of `table`; on other databases than PostgreSQL it does nothing. It may run again, on several nodes
/// at once, and needs the table to be there.
pub async fn install_notices(db: &DatabaseConnection, table: &Table) -> Result<(), DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let transaction = db.begin().await?;
    // The same lock as the migrator's: nodes that start at once make it one after the other.
    transaction.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({})", crate::migrator::LOCK)).await?;
    let names = Names::of(table);
    if !names.is_installed(&transaction).await? {
        for sql in names.create() {
            transaction.execute_unprepared(&sql).await?;
        }
    }
    transaction.commit().await
}

/// Makes the trigger for the notices of changed rows: a line in your own `Migrator`, behind [`Migration`](crate::Migration). On other
/// databases than PostgreSQL it does nothing.
#[derive(Clone, Debug)]
pub struct NoticesMigration {
    name: String,
    table: Table,
}

impl NoticesMigration {
    /// For a table of another name.
    pub fn for_table(table: Table) -> Self {
        Self { name: format!("m20261125_000001_notices_of_{}", table.flat()), table }
    }
}

impl Default for NoticesMigration {
    fn default() -> Self {
        Self::for_table(Table::default())
    }
}

impl MigrationName for NoticesMigration {
    fn name(&self) -> &str {
        &self.name
    }
}

#[async_trait::async_trait]
#[allow(elided_lifetimes_in_paths)] // the trait's own signature
impl MigrationTrait for NoticesMigration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), &Names::of(&self.table).create()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager.get_connection(), &Names::of(&self.table).drop()).await
    }
}

async fn run(db: &DatabaseExecutor<'_>, statements: &[String]) -> Result<(), DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    for sql in statements {
        db.execute_unprepared(sql).await?;
    }
    Ok(())
}
