//! The triggers that report changed rows, the log to which one of them writes, and the migration that makes them.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement, TransactionTrait};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, sea_orm};

use crate::Table;

/// Whether all three triggers are there, and on. The parameters: the quoted table, and its name without schema.
pub(super) const INSTALLED: &str = "(SELECT COUNT(*) FROM pg_catalog.pg_trigger \
    WHERE tgrelid = to_regclass($1) AND tgenabled IN ('O', 'A') \
    AND tgname::text IN ($2::text || '_change', $2::text || '_delete', $2::text || '_all')) = 3";

/// The names of the objects that the migration makes, and of the channel.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// The table, quoted.
    pub(super) table: String,
    /// The table's name without its schema. The triggers' names begin with it.
    pub(super) name: String,
    pub(super) channel: String,
    /// The log of changes, quoted.
    pub(super) log: String,
    /// The function for rows that were updated: it writes to the log.
    updated: String,
    /// The function for rows that were deleted.
    deleted: String,
}

impl Names {
    pub(super) fn of(table: &Table) -> Self {
        let schema = table.schema().map_or_else(String::new, |schema| format!("\"{schema}\"."));
        let named = |suffix: &str| format!("{schema}\"{}_{suffix}\"", table.name());
        Self {
            table: table.quoted(DbBackend::Postgres),
            name: table.name().into(),
            channel: table.flat(),
            log: named("changes"),
            updated: named("updated"),
            deleted: named("deleted"),
        }
    }

    pub(super) async fn is_installed(&self, db: &impl ConnectionTrait) -> Result<bool, DbErr> {
        let values = [self.table.as_str().into(), self.name.as_str().into()];
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, format!("SELECT {INSTALLED}"), values);
        match db.query_one_raw(statement).await? {
            Some(row) => row.try_get_by_index(0),
            None => Ok(false),
        }
    }

    /// The table's schema, quoted. The function that writes to the log names it in full.
    async fn schema(&self, db: &impl ConnectionTrait) -> Result<String, DbErr> {
        let sql = "SELECT quote_ident(nspname) FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace \
                   WHERE pg_class.oid = to_regclass($1)";
        let values = [self.table.as_str().into()];
        let found = db.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
        let missing = || {
            DbErr::Custom(format!("there is no table {}: make it first, with `Migrator` or `Migration`", self.table))
        };
        found.ok_or_else(missing)?.try_get_by_index(0)
    }

    /// Makes the log, the functions and the triggers. It may run again.
    async fn create(&self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
        let schema = self.schema(db).await?;
        let Self { table, name, channel, updated, deleted, .. } = self;
        let log = format!("{schema}.\"{name}_changes\"");
        let made = [
            // Unlogged: after a crash every node starts listening again and needs none of the earlier changes.
            format!(
                "CREATE UNLOGGED TABLE IF NOT EXISTS {log} (xact xid8 NOT NULL, id uuid NOT NULL, generation bigint NOT NULL) \
                 WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000)"
            ),
            format!("CREATE INDEX IF NOT EXISTS \"{name}_changes_at\" ON {log} (xact)"),
            // Whoever may write to the session table writes to the log, but only through this function. A caller's search path
            // changes nothing in it, because every name has its schema, operators too. Giving the function its own search
            // path would cost each write more than the row in the log. So would a `WHEN` condition on the trigger, which PostgreSQL
            // parses anew for each statement.
            //
            // Ends are reported at once; there are few of them. A touch moves two times forward and changes nothing else: it is not
            // reported. (The operator `*<>` compares nulls too.)
            format!(
                "CREATE OR REPLACE FUNCTION {updated}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $body$ \
                 BEGIN \
                   IF NEW.generation OPERATOR(pg_catalog.>) OLD.generation THEN \
                     INSERT INTO {log} VALUES (pg_catalog.pg_current_xact_id(), OLD.id, NEW.generation); \
                   ELSIF ROW({new})::pg_catalog.record OPERATOR(pg_catalog.*<>) ROW({old})::pg_catalog.record \
                       OR NEW.expires_at OPERATOR(pg_catalog.<) OLD.expires_at THEN \
                     PERFORM pg_catalog.pg_notify('{channel}', pg_catalog.concat('o ', OLD.id)); \
                   END IF; \
                   RETURN NULL; \
                 END $body$",
                new = columns("NEW"),
                old = columns("OLD"),
            ),
            // A row that has expired has no copy in use, so the sweeper's deletions are not reported.
            format!(
                "CREATE OR REPLACE FUNCTION {deleted}() RETURNS trigger LANGUAGE plpgsql \
                 SET search_path = pg_catalog, pg_temp AS $body$ \
                 BEGIN \
                   IF TG_OP = 'TRUNCATE' THEN \
                     PERFORM pg_notify('{channel}', 'a'); \
                   ELSIF OLD.generation > 0 AND OLD.expires_at > EXTRACT(EPOCH FROM clock_timestamp()) THEN \
                     PERFORM pg_notify('{channel}', 'o ' || OLD.id); \
                   END IF; \
                   RETURN NULL; \
                 END $body$"
            ),
        ];
        run(db, &made).await?;
        self.trigger(db, "change", &format!("UPDATE ON {table} FOR EACH ROW"), updated).await?;
        self.trigger(db, "delete", &format!("DELETE ON {table} FOR EACH ROW"), deleted).await?;
        self.trigger(db, "all", &format!("TRUNCATE ON {table} FOR EACH STATEMENT"), deleted).await
    }

    async fn trigger(&self, db: &impl ConnectionTrait, suffix: &str, event: &str, function: &str) -> Result<(), DbErr> {
        let Self { table, name, .. } = self;
        let made = [
            format!("DROP TRIGGER IF EXISTS \"{name}_{suffix}\" ON {table}"),
            format!("CREATE TRIGGER \"{name}_{suffix}\" AFTER {event} EXECUTE FUNCTION {function}()"),
        ];
        run(db, &made).await
    }

    /// The statements that drop everything. The triggers come first, because they depend on the functions.
    fn drop(&self) -> Vec<String> {
        let Self { table, name, log, updated, deleted, .. } = self;
        let triggers = ["change", "delete", "all"].into_iter();
        let dropped = triggers.map(|suffix| format!("DROP TRIGGER IF EXISTS \"{name}_{suffix}\" ON {table}"));
        let functions = [updated, deleted].map(|function| format!("DROP FUNCTION IF EXISTS {function}()"));
        dropped.chain(functions).chain([format!("DROP TABLE IF EXISTS {log}")]).collect()
    }
}

/// Makes the triggers for the notices of `table`, which must exist, and the log of its changes. On other databases than
/// PostgreSQL it does nothing. It may run again, and on several nodes at once.
pub async fn install_notices(db: &DatabaseConnection, table: &Table) -> Result<(), DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let transaction = db.begin().await?;
    // The same lock as the migrator's: nodes that start at once make them one after another.
    transaction.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({})", crate::migrator::LOCK)).await?;
    let names = Names::of(table);
    if !names.is_installed(&transaction).await? {
        names.create(&transaction).await?;
    }
    transaction.commit().await
}

/// Makes the triggers for the notices of changed rows, and the log of changes. Add it to your own `Migrator` after
/// [`Migration`](crate::Migration). On other databases than PostgreSQL it does nothing.
#[derive(Clone, Debug)]
pub struct NoticesMigration {
    name: String,
    table: Table,
}

impl NoticesMigration {
    /// For a table with another name.
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
        let db = manager.get_connection();
        match db.get_database_backend() {
            DbBackend::Postgres => Names::of(&self.table).create(db).await,
            _ => Ok(()),
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        match db.get_database_backend() {
            DbBackend::Postgres => run(db, &Names::of(&self.table).drop()).await,
            _ => Ok(()),
        }
    }
}

/// All columns of a row but the two that a touch moves.
fn columns(row: &str) -> String {
    let columns = ["id", "generation", "subject", "label", "created_at", "lifetime_s", "data"];
    columns.map(|column| format!("{row}.{column}")).join(", ")
}

async fn run(db: &impl ConnectionTrait, statements: &[String]) -> Result<(), DbErr> {
    for sql in statements {
        db.execute_unprepared(sql).await?;
    }
    Ok(())
}
