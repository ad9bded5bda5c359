//! The migrators, and a lock so that only one of several starting nodes migrates at a time.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbBackend, DbErr, DynIden,
    IntoDatabaseExecutor, IsolationLevel, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::{
    MigrationTrait, MigratorTrait, MigratorTraitSelf, SchemaManager,
    sea_query::{Alias, IntoIden},
};

use crate::{Fate, Migration, Table, again::again, fate::Code, pooler::explained_migration};

/// The number of the advisory lock in PostgreSQL: "waxseal" in ASCII.
pub(crate) const LOCK: i64 = 0x77_6178_7365_616c;

/// A migrator with only [`Migration`], for applications without a migrator of their own. It keeps its state in its own table,
/// `waxseal_migrations`, and so does not affect another migrator's.
///
/// Any number of nodes may call `Migrator::up` at once, even on an empty database: one migrates, the others wait for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Migrator;

impl Migrator {
    /// The same for a table with another name.
    ///
    /// ```no_run
    /// use waxseal_sea_orm::{Migrator, SeaOrmStore, Table};
    ///
    /// # async fn start(db: sea_orm::DatabaseConnection) -> Result<(), Box<dyn std::error::Error>> {
    /// let table = Table::new("shop_sessions")?;
    /// Migrator::for_table(table.clone()).up(&db).await?;
    /// let store = SeaOrmStore::new(db).with_table(&table);
    /// # Ok(())
    /// # }
    /// ```
    pub fn for_table(table: Table) -> TableMigrator {
        TableMigrator(table)
    }
}

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Migration)]
    }

    fn migration_table_name() -> DynIden {
        Plain(&Table::default()).migration_table_name()
    }

    async fn up<'c, C: IntoDatabaseExecutor<'c>>(db: C, steps: Option<u32>) -> Result<(), DbErr> {
        up(&Table::default(), &db.into_database_executor(), steps).await
    }
}

/// A migrator for a table with a chosen name; see [`Migrator::for_table`]. It keeps its state in `<table>_migrations`, in the
/// table's schema if one was chosen.
#[derive(Clone, Debug)]
pub struct TableMigrator(Table);

impl TableMigrator {
    /// Makes the table if it is missing. Any number of nodes may call it at once.
    pub async fn up(&self, db: &DatabaseConnection) -> Result<(), DbErr> {
        up(&self.0, &DatabaseExecutor::Connection(db), None).await
    }

    /// Drops the table.
    pub async fn down(&self, db: &DatabaseConnection) -> Result<(), DbErr> {
        Plain(&self.0).down(db, None).await
    }
}

/// SeaORM's migrator for these migrations, without a lock.
struct Plain<'a>(&'a Table);

impl MigratorTraitSelf for Plain<'_> {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        if *self.0 == Table::default() {
            return vec![Box::new(Migration)];
        }
        vec![Box::new(Migration::for_table(self.0.clone()))]
    }

    fn migration_table_name(&self) -> DynIden {
        if *self.0 == Table::default() {
            return Alias::new("waxseal_migrations").into_iden();
        }
        Alias::new(format!("{}_migrations", self.0.flat())).into_iden()
    }
}

async fn up(table: &Table, db: &DatabaseExecutor<'_>, steps: Option<u32>) -> Result<(), DbErr> {
    if db.is_transaction() {
        return complete(table, db, steps).await;
    }
    again(met_another, |_| async {
        let lock = Lock::take(db).await?;
        let done = complete(table, &DatabaseExecutor::Transaction(&lock.0), steps).await;
        lock.release(done).await
    })
    .await
    .map_err(explained_migration)
}

async fn complete(table: &Table, db: &DatabaseExecutor<'_>, steps: Option<u32>) -> Result<(), DbErr> {
    let migrator = Plain(table);
    migrator.up(reborrowed(db), steps).await?;
    if steps.is_none() {
        // The application's own migrator may have dropped a table that this one has recorded as made.
        let manager = SchemaManager::new(reborrowed(db));
        for migration in migrator.migrations() {
            migration.up(&manager).await?;
        }
    }
    Ok(())
}

fn reborrowed<'a>(db: &'a DatabaseExecutor<'_>) -> DatabaseExecutor<'a> {
    match db {
        DatabaseExecutor::Connection(db) => DatabaseExecutor::Connection(db),
        DatabaseExecutor::Transaction(db) => DatabaseExecutor::Transaction(db),
        DatabaseExecutor::OwnedTransaction(db) => DatabaseExecutor::Transaction(db),
    }
}

/// Runs the pending migrations of your own migrator on one node at a time, if several nodes start at once. SeaORM alone does not
/// do this: nodes that race for a migration fail.
///
/// ```no_run
/// # use sea_orm_migration::prelude::*;
/// # struct Migrator;
/// # impl MigratorTrait for Migrator { fn migrations() -> Vec<Box<dyn MigrationTrait>> { vec![] } }
/// # async fn start(db: sea_orm::DatabaseConnection) -> Result<(), DbErr> {
/// waxseal_sea_orm::up_alone::<Migrator>(&db).await?;
/// # Ok(())
/// # }
/// ```
///
/// On PostgreSQL and SQLite all of them run in one transaction, so each must be allowed in one (`CREATE INDEX CONCURRENTLY` is
/// not). MySQL ends a transaction at each change of the schema; there a named lock keeps the others out. On Galera such a lock
/// works on one node only.
pub async fn up_alone<M: MigratorTrait>(db: &DatabaseConnection) -> Result<(), DbErr> {
    again(met_another, |_| async {
        let lock = Lock::take(db).await?;
        let done = M::up(&lock.0, None).await;
        lock.release(done).await
    })
    .await
    .map_err(explained_migration)
}

/// Whether another node was in the way, or has made the same objects: one without the lock, or on Galera.
fn met_another(error: &DbErr) -> bool {
    Fate::of(error) == Fate::RolledBack || Code::of(error).is_some_and(|code| code.exists_already())
}

/// The right to migrate, which one connection has at a time, together with that connection.
struct Lock(DatabaseTransaction);

impl Lock {
    async fn take<C>(db: &C) -> Result<Self, DbErr>
    where
        C: TransactionTrait<Transaction = DatabaseTransaction> + ConnectionTrait,
    {
        let backend = db.get_database_backend();
        let transaction = db
            .begin_with_options(TransactionOptions {
                // What the others have made must be visible once the lock is held.
                isolation_level: (backend != DbBackend::Sqlite).then_some(IsolationLevel::ReadCommitted),
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            })
            .await?;
        match backend {
            DbBackend::Postgres => {
                let values = [LOCK.into()];
                let sql = "SELECT 1 FROM pg_advisory_xact_lock($1)";
                transaction.query_one_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
            }
            DbBackend::MySql => {
                // Names of locks belong to the server, not to the database.
                let sql = "SELECT COALESCE(GET_LOCK(CONCAT('waxseal:', MD5(DATABASE())), 60), 0) = 1";
                let taken = transaction.query_one_raw(Statement::from_string(backend, sql)).await?;
                if taken.and_then(|row| row.try_get_by_index::<i32>(0).ok()) != Some(1) {
                    return Err(DbErr::Migration("another node has been migrating for a minute".into()));
                }
            }
            // BEGIN IMMEDIATE has taken the lock for writing.
            _ => {}
        }
        Ok(Self(transaction))
    }

    /// Commits what was done, or rolls back what was not.
    async fn release(self, done: Result<(), DbErr>) -> Result<(), DbErr> {
        if self.0.get_database_backend() == DbBackend::MySql {
            // The lock belongs to the connection, not to the transaction, and the connection goes back to the pool.
            let sql = "DO RELEASE_LOCK(CONCAT('waxseal:', MD5(DATABASE())))";
            let released = self.0.execute_unprepared(sql).await;
            done.and(released.map(drop))?;
            return self.0.commit().await;
        }
        match done {
            Ok(()) => self.0.commit().await,
            Err(error) => {
                self.0.rollback().await?;
                Err(error)
            }
        }
    }
}
