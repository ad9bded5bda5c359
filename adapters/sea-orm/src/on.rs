//! The store's verbs as SQL, on one connection or transaction.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, SqlErr, Statement, Value};
use uuid::Uuid;
use waxseal_http::{
    Admission, Found, Limit, OverLimit, Page, Row, RowId, StoreError, TOMBSTONE_S, Timestamp, Touch, Update, Which,
};

use crate::{
    Fate,
    again::again,
    cluster::CAUSAL,
    limit::within,
    statements::Statements,
    values::{backend, column, found, integer, key, listed, rolled_back, signed, tombstone, unsigned, written},
};

/// How often the ending of a subject's sessions is repeated while some are renewed at the same time.
const MAX_ROUNDS: u32 = 100;

/// The store's verbs on one connection or transaction; see [`SeaOrmStore::on`](crate::SeaOrmStore::on). Each works like the verb
/// of the same name in [`Store`](waxseal_http::Store).
pub struct StoreOn<'a, C> {
    pub(crate) connection: &'a C,
    pub(crate) statements: &'a Statements,
    pub(crate) tries_again: bool,
    /// Whether each statement first waits until this node of a cluster has caught up.
    pub(crate) causal: bool,
    /// Whether a statement that is tried again does.
    pub(crate) causal_again: bool,
    /// How long a statement may take.
    pub(crate) limit: Option<Duration>,
}

impl<C: ConnectionTrait> StoreOn<'_, C> {
    /// Loads what is stored under this id, as this connection sees it.
    pub async fn load(&self, id: RowId) -> Result<Option<Found>, StoreError> {
        self.query(&self.statements.load, [key(id)]).await?.first().map(found).transpose()
    }

    /// Loads what is stored under each of these ids, in their order, as this connection sees it. One statement.
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

    /// See [`Store::insert`](waxseal_http::Store::insert).
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

    /// See [`Store::update`](waxseal_http::Store::update).
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

    /// See [`Store::touch`](waxseal_http::Store::touch).
    pub async fn touch(&self, id: RowId, generation: u64, touch: Touch) -> Result<bool, StoreError> {
        let seen_at = || integer(touch.seen_at.unix_seconds());
        let expires_at = integer(touch.expires_at.unix_seconds());
        let values: [Value; 6] = [seen_at(), expires_at, key(id), integer(generation), seen_at(), seen_at()];
        self.changed_one(&self.statements.touch, values).await
    }

    /// See [`Store::rotate`](waxseal_http::Store::rotate). It runs two statements: use a transaction, and roll it back on `false`
    /// or an error.
    pub async fn rotate(&self, old: RowId, generation: u64, new: Row) -> Result<bool, StoreError> {
        let live_after = integer(new.seen_at.unix_seconds());
        let old = [key(old), integer(generation), live_after];
        let ended = self.changed_one(&self.statements.end_at, tombstone(new.seen_at).into_iter().chain(old)).await?;
        if ended {
            self.insert(new).await?;
        }
        Ok(ended)
    }

    /// See [`Store::admit`](waxseal_http::Store::admit). It runs several statements: use a transaction, and roll it back unless
    /// the answer is [`Admission::Done`].
    pub async fn admit(&self, old: Option<(RowId, u64)>, new: Row, limit: Limit) -> Result<Admission, StoreError> {
        let (id, now) = (new.id, new.seen_at);
        let Some(subject) = new.subject.clone() else {
            return Err(StoreError::Damaged("a row that is to be counted has no subject"));
        };
        // Written first: other transactions that count this subject's sessions wait here.
        self.end_many(&[limit.lock], now).await?;
        let there = match old {
            Some((old, generation)) => self.rotate(old, generation, new).await?,
            None => self.insert(new).await.map(|()| true)?,
        };
        if !there {
            return Ok(Admission::Conflict);
        }
        let over = self.over(&subject, id, now, &limit).await?;
        if over.is_empty() {
            return Ok(Admission::Done);
        }
        match limit.over {
            OverLimit::Refuse => Ok(Admission::Refused),
            OverLimit::EndOldest => self.end_many(&over, now).await.map(|()| Admission::Done),
        }
    }

    /// The subject's oldest live sessions that exceed the limit beside the new one.
    async fn over(&self, subject: &str, new: RowId, now: Timestamp, limit: &Limit) -> Result<Vec<RowId>, StoreError> {
        let rest = [
            key(new),
            integer(now.unix_seconds()),
            integer(limit.seen_after.unix_seconds()),
            integer(limit.created_after.unix_ms()),
            integer(limit.sessions.saturating_sub(1).into()),
        ];
        let rows = self.query(&self.statements.over, self.subject(subject).chain(rest)).await?;
        rows.iter().map(|row| column::<Uuid>(row, 0).map(RowId::from)).collect()
    }

    /// See [`Store::end_many`](waxseal_http::Store::end_many).
    pub async fn end_many(&self, ids: &[RowId], now: Timestamp) -> Result<(), StoreError> {
        // The same order everywhere, so that two statements that end the same sessions do not deadlock.
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let ended_at = integer(now.unix_ms());
        let values = ids.iter().flat_map(|id| [key(*id), ended_at.clone()].into_iter().chain(tombstone(now)));
        self.execute(&self.statements.end_many(ids.len()), values).await.map(drop).map_err(written)
    }

    /// See [`Store::delete_expired`](waxseal_http::Store::delete_expired).
    pub async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let values = [integer(now.unix_seconds()), integer(limit.into())];
        self.execute(&self.statements.delete_expired, values).await.map_err(written)
    }

    /// See [`Store::list_by_subject`](waxseal_http::Store::list_by_subject).
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

    /// See [`Store::delete_by_subject`](waxseal_http::Store::delete_by_subject).
    ///
    /// A statement does not see rows that were inserted by a transaction for which it waited (PostgreSQL's READ COMMITTED), so it
    /// would miss a session that is just being renewed. Therefore, except for [`Which::Only`], this is repeated until a list
    /// shows no new session.
    ///
    /// A session that was listed before, and that the UPDATE did not end, has been ended by another transaction: the list shows
    /// the past (MySQL's REPEATABLE READ, in a transaction that has read before), and the UPDATE the present.
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
        Err(backend(DbErr::Custom(
            "the subject's sessions were renewed faster than they could be ended; try again".into(),
        )))
    }

    /// See [`Store::ended_since`](waxseal_http::Store::ended_since).
    pub async fn ended_since(&self, since: Timestamp, limit: u32) -> Result<Vec<RowId>, StoreError> {
        let gone_at = since.plus_seconds(TOMBSTONE_S).unix_seconds();
        let rows = self.query(&self.statements.ended_since, [integer(gone_at), integer(limit.into())]).await?;
        rows.iter().map(|row| column::<Uuid>(row, 0).map(RowId::from)).collect()
    }

    /// See [`Store::now`](waxseal_http::Store::now).
    pub async fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        let Some(sql) = self.statements.now else { return Ok(None) };
        let rows = self.query(sql, []).await?;
        let ms = rows.first().map(|row| unsigned(row, 0)).transpose()?;
        ms.map(|ms| Some(Timestamp::from_unix_ms(ms))).ok_or(StoreError::Damaged("the database returned no time"))
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

    /// The subject, as many times as the statements compare it.
    fn subject(&self, subject: &str) -> impl Iterator<Item = Value> + use<C> {
        let times = if self.statements.backend == DbBackend::MySql { 2 } else { 1 };
        std::iter::repeat_n(subject.into(), times)
    }

    async fn query(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<Vec<QueryResult>, StoreError> {
        // A read whose connection was lost can be repeated.
        let worth_it = |error: &DbErr| Fate::of(error) != Fate::Failed;
        self.run(sql, values, worth_it, |statement| self.connection.query_all_raw(statement)).await.map_err(backend)
    }

    async fn execute(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<u64, DbErr> {
        let run = |statement| self.connection.execute_raw(statement);
        Ok(self.run(sql, values, |error| rolled_back(error), run).await?.rows_affected())
    }

    /// On a Galera node, what is tried again waits until the node has caught up: on the old state, its commit would be refused
    /// again.
    fn statement(&self, sql: &str, values: Vec<Value>, tried: u32) -> Statement {
        let backend = self.statements.backend;
        if self.causal || (self.causal_again && tried > 0) {
            Statement::from_sql_and_values(backend, format!("{CAUSAL}{sql}"), values)
        } else {
            Statement::from_sql_and_values(backend, sql, values)
        }
    }

    async fn run<T, F: Future<Output = Result<T, DbErr>>>(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
        worth_it: impl Fn(&DbErr) -> bool,
        run: impl Fn(Statement) -> F,
    ) -> Result<T, DbErr> {
        let values: Vec<Value> = values.into_iter().collect();
        let attempt = |tried| within(self.limit, run(self.statement(sql, values.clone(), tried)));
        again(|error: &DbErr| self.tries_again && worth_it(error), attempt).await
    }

    async fn changed_one(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<bool, StoreError> {
        Ok(self.execute(sql, values).await.map_err(written)? == 1)
    }
}
