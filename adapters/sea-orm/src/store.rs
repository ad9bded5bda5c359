//! The session store on a SeaORM connection.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbErr, QueryResult, SqlErr, Statement, TransactionTrait, TryGetable, Value,
};
use uuid::Uuid;
use waxseal_http::{Row, RowId, Store, StoreError, Timestamp, Touch, Update, Which};

use crate::statements::Statements;

/// How often a rotation is tried that the database ended to break a deadlock.
const ROTATIONS: u32 = 3;

/// A session store on a connection that the application already has. Cheap to clone.
///
/// Every verb is one statement; `rotate` is one transaction of two.
#[derive(Clone)]
pub struct SeaOrmStore {
    db: DatabaseConnection,
    statements: Arc<Statements>,
}

impl SeaOrmStore {
    /// A store on `db`. The table must be there: see [`Migration`](crate::Migration).
    pub fn new(db: DatabaseConnection) -> Self {
        let statements = Arc::new(Statements::new(db.get_database_backend()));
        Self { db, statements }
    }

    /// The store's verbs on a connection or transaction of the caller's: to end a user's sessions in the transaction that
    /// changes his password, for example.
    ///
    /// ```no_run
    /// # use sea_orm::{DatabaseConnection, TransactionTrait, TransactionSession};
    /// # use waxseal_http::Which;
    /// # async fn change(db: &DatabaseConnection, store: &waxseal_sea_orm::SeaOrmStore) -> Result<(), Box<dyn std::error::Error>> {
    /// let transaction = db.begin().await?;
    /// // … change the password …
    /// store.on(&transaction).delete_by_subject("ada", Which::All).await?;
    /// transaction.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on<'a, C: ConnectionTrait>(&'a self, connection: &'a C) -> StoreOn<'a, C> {
        StoreOn { connection, statements: &self.statements }
    }

    /// The connection.
    pub fn connection(&self) -> &DatabaseConnection {
        &self.db
    }
}

impl fmt::Debug for SeaOrmStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeaOrmStore").field("backend", &self.statements.backend).finish_non_exhaustive()
    }
}

/// The store's verbs on one connection or transaction; see [`SeaOrmStore::on`]. Each does what the verb of that name in
/// [`Store`] does.
pub struct StoreOn<'a, C> {
    connection: &'a C,
    statements: &'a Statements,
}

impl<C: ConnectionTrait> StoreOn<'_, C> {
    /// See [`Store::load`].
    pub async fn load(&self, id: RowId) -> Result<Option<Row>, StoreError> {
        let statement = self.statement(&self.statements.load, [key(id)]);
        let Some(found) = self.connection.query_one_raw(statement).await.map_err(backend)? else { return Ok(None) };
        Ok(Some(Row {
            id,
            generation: unsigned(&found, 0)?,
            subject: column(&found, 1)?,
            label: column(&found, 2)?,
            created_at: Timestamp::from_unix_ms(unsigned(&found, 3)?),
            lifetime_s: unsigned(&found, 4)?,
            seen_at: seconds(&found, 5)?,
            expires_at: seconds(&found, 6)?,
            data: column(&found, 7)?,
        }))
    }

    /// See [`Store::insert`].
    pub async fn insert(&self, row: Row) -> Result<(), StoreError> {
        let values: [Value; 9] = [
            key(row.id),
            integer(row.generation),
            row.subject.into(),
            row.label.into(),
            integer(row.created_at.unix_ms()),
            integer(row.lifetime_s),
            integer(row.seen_at.unix_seconds()),
            integer(row.expires_at.unix_seconds()),
            row.data.into(),
        ];
        match self.execute(&self.statements.insert, values).await {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
                Err(StoreError::AlreadyExists)
            }
            Err(error) => Err(backend(error)),
        }
    }

    /// See [`Store::update`].
    pub async fn update(&self, update: Update<'_>) -> Result<bool, StoreError> {
        let values: [Value; 7] = [
            update.data.to_vec().into(),
            update.label.map(String::from).into(),
            update.touch.map(|touch| signed(touch.seen_at.unix_seconds())).into(),
            update.touch.map(|touch| signed(touch.expires_at.unix_seconds())).into(),
            key(update.id),
            integer(update.generation),
            integer(update.now.unix_seconds()),
        ];
        self.changed_one(&self.statements.update, values).await
    }

    /// See [`Store::touch`].
    pub async fn touch(&self, id: RowId, touch: Touch) -> Result<bool, StoreError> {
        let seen_at = integer(touch.seen_at.unix_seconds());
        let expires_at = integer(touch.expires_at.unix_seconds());
        self.changed_one(&self.statements.touch, [seen_at.clone(), expires_at, key(id), seen_at.clone(), seen_at]).await
    }

    /// See [`Store::rotate`]; two statements, so the connection should be a transaction, and be rolled back on `false` or an
    /// error.
    pub async fn rotate(&self, old: RowId, generation: u64, new: Row) -> Result<bool, StoreError> {
        let live_after = integer(new.seen_at.unix_seconds());
        let deleted = self.changed_one(&self.statements.delete_at, [key(old), integer(generation), live_after]).await?;
        if deleted {
            self.insert(new).await?;
        }
        Ok(deleted)
    }

    /// See [`Store::delete`].
    pub async fn delete(&self, id: RowId) -> Result<bool, StoreError> {
        self.changed_one(&self.statements.delete, [key(id)]).await
    }

    /// See [`Store::delete_expired`].
    pub async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let values = [integer(now.unix_seconds()), integer(limit.into())];
        self.execute(&self.statements.delete_expired, values).await.map_err(backend)
    }

    /// See [`Store::list_by_subject`].
    pub async fn list_by_subject(&self, subject: &str, now: Timestamp) -> Result<Vec<Row>, StoreError> {
        let statement = self.statement(&self.statements.list, [subject.into(), integer(now.unix_seconds())]);
        let found = self.connection.query_all_raw(statement).await.map_err(backend)?;
        let mut rows = Vec::with_capacity(found.len());
        for found in found {
            let row = Row {
                id: column::<Uuid>(&found, 0)?.into(),
                generation: unsigned(&found, 1)?,
                subject: Some(subject.to_owned()),
                label: column(&found, 2)?,
                created_at: Timestamp::from_unix_ms(unsigned(&found, 3)?),
                lifetime_s: unsigned(&found, 4)?,
                seen_at: seconds(&found, 5)?,
                expires_at: seconds(&found, 6)?,
                data: Vec::new(),
            };
            if !row.is_expired(now) {
                rows.push(row);
            }
        }
        Ok(rows)
    }

    /// See [`Store::delete_by_subject`].
    pub async fn delete_by_subject(&self, subject: &str, which: Which) -> Result<u64, StoreError> {
        let deleted = match which {
            Which::All => self.execute(&self.statements.delete_all, [subject.into()]).await,
            Which::AllBut(id) => self.execute(&self.statements.delete_all_but, [subject.into(), key(id)]).await,
            Which::Only(id) => self.execute(&self.statements.delete_only, [subject.into(), key(id)]).await,
        };
        deleted.map_err(backend)
    }

    fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        Statement::from_sql_and_values(self.statements.backend, sql, values)
    }

    async fn execute(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<u64, DbErr> {
        Ok(self.connection.execute_raw(self.statement(sql, values)).await?.rows_affected())
    }

    async fn changed_one(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<bool, StoreError> {
        Ok(self.execute(sql, values).await.map_err(backend)? == 1)
    }
}

#[async_trait]
impl Store for SeaOrmStore {
    async fn load(&self, id: RowId) -> Result<Option<Row>, StoreError> {
        self.on(&self.db).load(id).await
    }

    async fn insert(&self, row: Row) -> Result<(), StoreError> {
        self.on(&self.db).insert(row).await
    }

    async fn update(&self, update: Update<'_>) -> Result<bool, StoreError> {
        self.on(&self.db).update(update).await
    }

    async fn touch(&self, id: RowId, touch: Touch) -> Result<bool, StoreError> {
        self.on(&self.db).touch(id, touch).await
    }

    async fn rotate(&self, old: RowId, generation: u64, new: Row) -> Result<bool, StoreError> {
        let mut attempt = 1;
        loop {
            // The first statement writes, so SQLite's DEFERRED transaction takes the write lock at once and cannot fail to
            // upgrade a read lock.
            let transaction = self.db.begin().await.map_err(backend)?;
            match self.on(&transaction).rotate(old, generation, new.clone()).await {
                Ok(true) => {
                    transaction.commit().await.map_err(backend)?;
                    return Ok(true);
                }
                Ok(false) => {
                    transaction.rollback().await.map_err(backend)?;
                    return Ok(false);
                }
                Err(error) if is_deadlock(&error) && attempt < ROTATIONS => {
                    tracing::debug!(%error, "session rotation ended by a deadlock; trying again");
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn delete(&self, id: RowId) -> Result<bool, StoreError> {
        self.on(&self.db).delete(id).await
    }

    async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.on(&self.db).delete_expired(now, limit).await
    }

    async fn list_by_subject(&self, subject: &str, now: Timestamp) -> Result<Vec<Row>, StoreError> {
        self.on(&self.db).list_by_subject(subject, now).await
    }

    async fn delete_by_subject(&self, subject: &str, which: Which) -> Result<u64, StoreError> {
        self.on(&self.db).delete_by_subject(subject, which).await
    }
}

/// Whether the database ended the transaction to break a deadlock: PostgreSQL's 40P01, MySQL's 1213.
fn is_deadlock(error: &StoreError) -> bool {
    matches!(error, StoreError::Backend(error) if {
        let text = error.to_string();
        text.contains("deadlock detected") || text.contains("Deadlock found")
    })
}

fn backend(error: DbErr) -> StoreError {
    StoreError::backend(error)
}

fn key(id: RowId) -> Value {
    Uuid::from(id).into()
}

/// Times and counts as the signed integers that databases have.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn integer(number: u64) -> Value {
    signed(number).into()
}

fn column<T: TryGetable>(row: &QueryResult, index: usize) -> Result<T, StoreError> {
    row.try_get_by_index(index).map_err(backend)
}

fn unsigned(row: &QueryResult, index: usize) -> Result<u64, StoreError> {
    u64::try_from(column::<i64>(row, index)?).map_err(|_| StoreError::Damaged("a number is negative"))
}

fn seconds(row: &QueryResult, index: usize) -> Result<Timestamp, StoreError> {
    unsigned(row, index).map(Timestamp::from_unix_seconds)
}
