//! The session store on a SeaORM connection.

use std::{error::Error, fmt, sync::Arc};

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, SqlErr, Statement, TransactionTrait,
    TryGetable, Value,
};
use uuid::Uuid;
use waxseal_http::{Found, Page, Row, RowId, Store, StoreError, TOMBSTONE_S, Timestamp, Touch, Update, Which};

use crate::{Fate, Table, again::again, statements::Statements};

/// The generation of a tombstone.
const ENDED: u64 = 0;

/// How often a subject's sessions are ended anew where some are renewed at the same time.
const MAX_ROUNDS: u32 = 100;

/// A session store on a connection that the application already has. Cheap to clone.
///
/// Every verb is one statement; `rotate` is one transaction of two. What the database rolls back (a deadlock, a serialization
/// failure, a lock: see [`Fate`]) is tried again, up to eight times within about two seconds, so that any isolation level will do.
#[derive(Clone)]
pub struct SeaOrmStore {
    db: DatabaseConnection,
    statements: Arc<Statements>,
}

impl SeaOrmStore {
    /// A store on `db`, in the table `waxseal_sessions`. The table must be there: see [`Migration`](crate::Migration).
    pub fn new(db: DatabaseConnection) -> Self {
        Self { statements: Arc::new(Statements::new(db.get_database_backend(), &Table::default())), db }
    }

    /// The same in another table: each of the applications that share a database needs its own.
    pub fn with_table(self, table: &Table) -> Self {
        Self { statements: Arc::new(Statements::new(self.statements.backend, table)), db: self.db }
    }

    /// The store's verbs on a connection or transaction of the caller's: to end a user's sessions in the transaction that
    /// changes their password, for example.
    ///
    /// Nothing is tried again here: what the database rolled back, it rolled back with the rest of the transaction. Begin the
    /// transaction again where [`Fate::of`] the error is [`Fate::RolledBack`].
    ///
    /// ```no_run
    /// # use sea_orm::{DatabaseConnection, TransactionTrait, TransactionSession};
    /// # use waxseal_http::{Clock, SystemClock, Which};
    /// # async fn change(db: &DatabaseConnection, store: &waxseal_sea_orm::SeaOrmStore) -> Result<(), Box<dyn std::error::Error>> {
    /// let transaction = db.begin().await?;
    /// // … change the password …
    /// store.on(&transaction).delete_by_subject("ada", Which::All, SystemClock.now()).await?;
    /// transaction.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on<'a, C: ConnectionTrait>(&'a self, connection: &'a C) -> StoreOn<'a, C> {
        StoreOn { connection, statements: &self.statements, tries_again: false }
    }

    /// The verbs on the store's own connection, where each statement stands alone and can be tried again.
    fn own(&self) -> StoreOn<'_, DatabaseConnection> {
        StoreOn { tries_again: true, ..self.on(&self.db) }
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
    tries_again: bool,
}

impl<C: ConnectionTrait> StoreOn<'_, C> {
    /// See [`Store::load`].
    pub async fn load(&self, id: RowId) -> Result<Option<Found>, StoreError> {
        self.query(&self.statements.load, [key(id)]).await?.first().map(found).transpose()
    }

    /// See [`Store::load_many`].
    pub async fn load_many(&self, ids: &[RowId]) -> Result<Vec<Option<Found>>, StoreError> {
        let sql = self.statements.load_many(ids.len());
        let rows = self.query(&sql, ids.iter().copied().map(key)).await?;
        let mut all = vec![None; ids.len()];
        for row in &rows {
            let id = RowId::from(column::<Uuid>(row, 0)?);
            for (place, _) in all.iter_mut().zip(ids).filter(|(_, other)| **other == id) {
                *place = Some(found(row)?);
            }
        }
        Ok(all)
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
            Err(error) => Err(written(error)),
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
    pub async fn touch(&self, id: RowId, generation: u64, touch: Touch) -> Result<bool, StoreError> {
        let seen_at = || integer(touch.seen_at.unix_seconds());
        let expires_at = integer(touch.expires_at.unix_seconds());
        let values: [Value; 6] = [seen_at(), expires_at, key(id), integer(generation), seen_at(), seen_at()];
        self.changed_one(&self.statements.touch, values).await
    }

    /// See [`Store::rotate`]; two statements, so the connection should be a transaction, and be rolled back on `false` or an
    /// error.
    pub async fn rotate(&self, old: RowId, generation: u64, new: Row) -> Result<bool, StoreError> {
        let live_after = integer(new.seen_at.unix_seconds());
        let old = [key(old), integer(generation), live_after];
        let ended = self.changed_one(&self.statements.end_at, tombstone(new.seen_at).into_iter().chain(old)).await?;
        if ended {
            self.insert(new).await?;
        }
        Ok(ended)
    }

    /// See [`Store::end_many`].
    pub async fn end_many(&self, ids: &[RowId], now: Timestamp) -> Result<(), StoreError> {
        // In one order everywhere, so that two statements that end the same sessions do not deadlock.
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let ended_at = integer(now.unix_ms());
        let values = ids.iter().flat_map(|id| [key(*id), ended_at.clone()].into_iter().chain(tombstone(now)));
        self.execute(&self.statements.end_many(ids.len()), values).await.map(drop).map_err(written)
    }

    /// See [`Store::delete_expired`].
    pub async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let values = [integer(now.unix_seconds()), integer(limit.into())];
        self.execute(&self.statements.delete_expired, values).await.map_err(written)
    }

    /// See [`Store::list_by_subject`].
    pub async fn list_by_subject(&self, subject: &str, now: Timestamp, page: Page) -> Result<Vec<Row>, StoreError> {
        let last = RowId::from_bytes([0xff; 16]);
        let (seen_at, id) = page.after.unwrap_or((Timestamp::from_unix_ms(u64::MAX), last));
        let seen_at = || integer(seen_at.unix_seconds());
        let rest = [integer(now.unix_seconds()), seen_at(), seen_at(), key(id), integer(page.limit.into())];
        let values = self.subject(subject).chain(rest);
        let found = self.query(&self.statements.list, values).await?;
        let listed = found.iter().filter_map(|found| match listed(found) {
            Ok(row) => Some(row),
            // One damaged row must not hide the others.
            Err(error) => {
                tracing::error!(%error, "session row left out of a list");
                None
            }
        });
        Ok(listed.filter(|row| row.subject.as_deref() == Some(subject) && !row.is_expired(now)).collect())
    }

    /// See [`Store::delete_by_subject`].
    ///
    /// A statement does not see what a transaction that it waited for has inserted (PostgreSQL's READ COMMITTED): a session that is
    /// just being renewed would slip through. So, but for [`Which::Only`], this goes on until a list shows none that is new.
    ///
    /// What an UPDATE did not end although it had been listed before has been ended by another: the list shows the past
    /// (MySQL's REPEATABLE READ, in a transaction that has read before), and the UPDATE the present.
    pub async fn delete_by_subject(&self, subject: &str, which: Which, now: Timestamp) -> Result<u64, StoreError> {
        let (kept, limit) = match which {
            Which::Only(_) => return self.end_by_subject(subject, which, now).await,
            Which::All => (None, 1),
            Which::AllBut(id) => (Some(id), 2),
        };
        let mut ended = 0;
        let mut seen = Vec::new();
        for _ in 0..MAX_ROUNDS {
            ended += self.end_by_subject(subject, which, now).await?;
            let rows = self.list_by_subject(subject, now, Page::first(limit)).await?;
            let left: Vec<RowId> = rows.iter().map(|row| row.id).filter(|id| Some(*id) != kept).collect();
            if left.iter().all(|id| seen.contains(id)) {
                return Ok(ended);
            }
            seen = left;
        }
        Err(backend(DbErr::Custom("the subject's sessions were renewed faster than they could be ended".into())))
    }

    async fn end_by_subject(&self, subject: &str, which: Which, now: Timestamp) -> Result<u64, StoreError> {
        let values = tombstone(now).into_iter().chain(self.subject(subject));
        let ended = match which {
            Which::All => self.execute(&self.statements.end_all, values).await,
            Which::AllBut(id) => self.execute(&self.statements.end_all_but, values.chain([key(id)])).await,
            Which::Only(id) => self.execute(&self.statements.end_only, values.chain([key(id)])).await,
        };
        ended.map_err(written)
    }

    /// The subject as often as the statements compare it.
    fn subject(&self, subject: &str) -> impl Iterator<Item = Value> + use<C> {
        let times = if self.statements.backend == DbBackend::MySql { 2 } else { 1 };
        std::iter::repeat_n(subject.into(), times)
    }

    async fn query(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<Vec<QueryResult>, StoreError> {
        let statement = Statement::from_sql_and_values(self.statements.backend, sql, values);
        self.run(statement, |statement| self.connection.query_all_raw(statement)).await.map_err(backend)
    }

    async fn execute(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<u64, DbErr> {
        let statement = Statement::from_sql_and_values(self.statements.backend, sql, values);
        let result = self.run(statement, |statement| self.connection.execute_raw(statement)).await?;
        Ok(result.rows_affected())
    }

    async fn run<T, F: Future<Output = Result<T, DbErr>>>(
        &self,
        statement: Statement,
        run: impl Fn(Statement) -> F,
    ) -> Result<T, DbErr> {
        again(|error: &DbErr| self.tries_again && rolled_back(error), || run(statement.clone())).await
    }

    async fn changed_one(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<bool, StoreError> {
        Ok(self.execute(sql, values).await.map_err(written)? == 1)
    }
}

/// The values of a tombstone, in the order in which the statements have them.
fn tombstone(now: Timestamp) -> [Value; 3] {
    let gone_at = now.plus_seconds(TOMBSTONE_S);
    [Vec::<u8>::new().into(), integer(now.unix_seconds()), integer(gone_at.unix_seconds())]
}

/// What a row that was loaded holds.
fn found(row: &QueryResult) -> Result<Found, StoreError> {
    let generation = unsigned(row, 1)?;
    if generation == ENDED {
        // `seen_at` is the second of the end; `created_at` has its milliseconds too where `end_many` left the tombstone.
        let (second, exact) = (seconds(row, 6)?, Timestamp::from_unix_ms(unsigned(row, 4)?));
        let same = exact.unix_seconds() == second.unix_seconds();
        return Ok(Found::Ended(if same { exact } else { second }));
    }
    Ok(Found::Session(Row { data: column(row, 8)?, ..listed(row)? }))
}

/// A row of a list.
fn listed(found: &QueryResult) -> Result<Row, StoreError> {
    Ok(Row {
        id: column::<Uuid>(found, 0)?.into(),
        generation: unsigned(found, 1)?,
        subject: column(found, 2)?,
        label: column(found, 3)?,
        created_at: Timestamp::from_unix_ms(unsigned(found, 4)?),
        lifetime_s: unsigned(found, 5)?,
        seen_at: seconds(found, 6)?,
        expires_at: seconds(found, 7)?,
        data: Vec::new(),
    })
}

#[async_trait]
impl Store for SeaOrmStore {
    async fn load(&self, id: RowId) -> Result<Option<Found>, StoreError> {
        self.own().load(id).await
    }

    async fn load_many(&self, ids: &[RowId]) -> Result<Vec<Option<Found>>, StoreError> {
        self.own().load_many(ids).await
    }

    async fn insert(&self, row: Row) -> Result<(), StoreError> {
        self.own().insert(row).await
    }

    async fn update(&self, update: Update<'_>) -> Result<bool, StoreError> {
        self.own().update(update).await
    }

    async fn touch(&self, id: RowId, generation: u64, touch: Touch) -> Result<bool, StoreError> {
        self.own().touch(id, generation, touch).await
    }

    async fn rotate(&self, old: RowId, generation: u64, new: Row) -> Result<bool, StoreError> {
        let new = &new;
        again(
            |error: &StoreError| rolled_back(error),
            || async move {
                let transaction = self.db.begin().await.map_err(backend)?;
                // On an error it is rolled back when it is dropped.
                let rotated = self.on(&transaction).rotate(old, generation, new.clone()).await?;
                let end = if rotated { transaction.commit().await } else { transaction.rollback().await };
                end.map_err(written).map(|()| rotated)
            },
        )
        .await
    }

    async fn end_many(&self, ids: &[RowId], now: Timestamp) -> Result<(), StoreError> {
        self.own().end_many(ids, now).await
    }

    async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.own().delete_expired(now, limit).await
    }

    async fn list_by_subject(&self, subject: &str, now: Timestamp, page: Page) -> Result<Vec<Row>, StoreError> {
        self.own().list_by_subject(subject, now, page).await
    }

    async fn delete_by_subject(&self, subject: &str, which: Which, now: Timestamp) -> Result<u64, StoreError> {
        self.own().delete_by_subject(subject, which, now).await
    }
}

fn rolled_back(error: &(dyn Error + 'static)) -> bool {
    Fate::of(error) == Fate::RolledBack
}

/// The failure of a statement that writes.
fn written(error: DbErr) -> StoreError {
    match Fate::of(&error) {
        Fate::Unknown => StoreError::Unknown(error.into()),
        Fate::RolledBack | Fate::Failed => backend(error),
    }
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
    row.try_get_by_index(index).map_err(|_| StoreError::Damaged("a column has another type than the migration made"))
}

fn unsigned(row: &QueryResult, index: usize) -> Result<u64, StoreError> {
    u64::try_from(column::<i64>(row, index)?).map_err(|_| StoreError::Damaged("a number is negative"))
}

fn seconds(row: &QueryResult, index: usize) -> Result<Timestamp, StoreError> {
    unsigned(row, index).map(Timestamp::from_unix_seconds)
}
