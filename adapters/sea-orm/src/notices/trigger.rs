//! The trigger that reports changed rows, the log to which it writes, and the migration that makes both.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement, TransactionTrait};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, sea_orm};

use crate::Table;

/// Whether a row of `pg_trigger` is the trigger for single rows, and is on. The parameters: the table and the trigger's name.
pub(super) const INSTALLED: &str = "tgrelid = to_regclass($1) AND tgname = $2 AND tgenabled <> 'D'";

/// The names of the objects that the migration makes, and of the channel.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// The table, quoted.
    pub(super) table: String,
    pub(super) channel: String,
    /// The table's name without its schema.
    name: String,
    function: String,
    /// The log of changes, quoted.
    pub(super) log: String,
    /// The trigger for single rows.
    pub(super) change: String,
    /// The trigger for TRUNCATE.
    truncate: String,
}

impl Names {
    pub(super) fn of(table: &Table) -> Self {
        let schema = table.schema().map_or_else(String::new, |schema| format!("\"{schema}\"."));
        Self {
            table: table.quoted(DbBackend::Postgres),
            channel: table.flat(),
            log: format!("{schema}\"{}_changes\"", table.name()),
            name: table.name().into(),
            function: format!("{schema}\"{}_notice\"", table.name()),
            change: format!("{}_change", table.name()),
            truncate: format!("{}_all", table.name()),
        }
    }

    pub(super) async fn is_installed(&self, db: &impl ConnectionTrait) -> Result<bool, DbErr> {
        let sql = format!("SELECT 1 FROM pg_catalog.pg_trigger WHERE {INSTALLED}");
        let values = [self.table.clone().into(), self.change.clone().into()];
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        Ok(db.query_one_raw(statement).await?.is_some())
    }

    /// The table's schema, quoted. The trigger needs it to name the log, because it runs with its own search path.
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

    /// Makes the log, the function and the triggers. It may run again.
    async fn create(&self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
        let schema = self.schema(db).await?;
        let Self { table, channel, name, function, change, truncate, .. } = self;
        let log = format!("{schema}.\"{name}_changes\"");
        let made = [
            // Unlogged: after a crash every node starts listening again and needs none of the earlier changes.
            format!(
                "CREATE UNLOGGED TABLE IF NOT EXISTS {log} (xact xid8 NOT NULL, id uuid NOT NULL, generation bigint NOT NULL) \
                 WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000)"
            ),
            format!("CREATE INDEX IF NOT EXISTS \"{name}_changes_at\" ON {log} (xact)"),
            // Whoever may write to the session table writes to the log, but only through this function.
            //
            // A row that has expired has no copy in use, so the sweeper's deletions are not reported. A touch moves two times
            // forward and changes nothing else: it is not reported either. Ends are reported at once; there are few of them.
            format!(
                "CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql \
                 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$ \
                 BEGIN \
                   IF TG_OP = 'TRUNCATE' THEN \
                     PERFORM pg_notify('{channel}', 'a'); \
                   ELSIF TG_OP = 'DELETE' THEN \
                     IF OLD.generation > 0 AND OLD.expires_at > EXTRACT(EPOCH FROM clock_timestamp()) THEN \
                       PERFORM pg_notify('{channel}', 'o ' || OLD.id); \
                     END IF; \
                   ELSIF NEW.generation > OLD.generation AND NEW.id = OLD.id THEN \
                     INSERT INTO {log} VALUES (pg_current_xact_id(), NEW.id, NEW.generation); \
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
        ];
        run(db, &made).await
    }

    fn drop(&self) -> [String; 4] {
        let Self { table, log, function, change, truncate, .. } = self;
        [
            format!("DROP TRIGGER IF EXISTS \"{change}\" ON {table}"),
            format!("DROP TRIGGER IF EXISTS \"{truncate}\" ON {table}"),
            format!("DROP FUNCTION IF EXISTS {function}()"),
            format!("DROP TABLE IF EXISTS {log}"),
        ]
    }
}

/// Makes the trigger for the notices of `table`, which must exist, and the log that it writes to. On other databases than
/// PostgreSQL it does nothing. It may run again, and on several nodes at once.
pub async fn install_notices(db: &DatabaseConnection, table: &Table) -> Result<(), DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let transaction = db.begin().await?;
    // The same lock as the migrator's: nodes that start at once make it one after another.
    transaction.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({})", crate::migrator::LOCK)).await?;
    let names = Names::of(table);
    if !names.is_installed(&transaction).await? {
        names.create(&transaction).await?;
    }
    transaction.commit().await
}

/// Makes the trigger for the notices of changed rows, and the log that it writes to. Add it to your own `Migrator` after
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

async fn run(db: &impl ConnectionTrait, statements: &[String]) -> Result<(), DbErr> {
    for sql in statements {
        db.execute_unprepared(sql).await?;
    }
    Ok(())
}
