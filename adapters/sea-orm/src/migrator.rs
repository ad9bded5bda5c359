//! The migrators, and how one node at a time migrates where several start at once.

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

/// A migrator of [`Migration`] alone, for applications without one of their own. It keeps its state in a table of its own,
/// `waxseal_migrations`, and so does not meet another migrator's.
///
/// Any number of nodes may call `Migrator::up` at once, also on an empty database: one migrates, the others wait for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Migrator;

impl Migrator {
    /// The same for a table of another name.
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

/// A migrator for a table of a chosen name; see [`Migrator::for_table`]. It keeps its state in `<table>_migrations`, with the
/// schema in front where one was chosen.
#[derive(Clone, Debug)]
pub struct TableMigrator(Table);

impl TableMigrator {
    /// Makes the table where it is missing. Any number of nodes may call it at once.
    pub async fn up(&self, db: &DatabaseConnection) -> Result<(), DbErr> {
        up(&self.0, &DatabaseExecutor::Connection(db), None).await
    }

    /// Drops the table.
    pub async fn down(&self, db: &DatabaseConnection) -> Result<(), DbErr> {
        Plain(&self.0).down(db, None).await
    }
}

/// What SeaORM makes of the migrations, without a lock.
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
    again(met_another, || async {
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
        // The application's own migrator may have taken away what this one remembers to have made.
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

/// Runs the pending migrations of your own migrator on one node at a time, where several start at once. SeaORM alone does not:
/// nodes that race for a migration fail.
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
/// On PostgreSQL and SQLite all of them run in one transaction, so that they must be able to (`CREATE INDEX CONCURRENTLY` is
/// not). MySQL ends a transaction at each change of the schema; there a lock by name keeps the others out, which on Galera holds
/// on one node only.
pub async fn up_alone<M: MigratorTrait>(db: &DatabaseConnection) -> Result<(), DbErr> {
    again(met_another, || async {
        let lock = Lock::take(db).await?;
        let done = M::up(&lock.0, None).await;
        lock.release(done).await
    })
    .await
    .map_err(explained_migration)
}

/// Whether another node was in the way, or has made the same meanwhile: one without the lock, or of Galera.
fn met_another(error: &DbErr) -> bool {
    Fate::of(error) == Fate::RolledBack || Code::of(error).is_some_and(|code| code.exists_already())
}

/// The right to migrate, which one connection at a time has, with that connection.
struct Lock(DatabaseTransaction);

impl Lock {
    async fn take<C>(db: &C) -> Result<Self, DbErr>
    where
        C: TransactionTrait<Transaction = DatabaseTransaction> + ConnectionTrait,
    {
        let backend = db.get_database_backend();
        let transaction = db
            .begin_with_options(TransactionOptions {
                // What the others have made is to be seen once the lock is there.
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
                // The names of locks are the server's, not the database's.
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
            // It is the connection's, not the transaction's, and the connection goes back to the pool.
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
