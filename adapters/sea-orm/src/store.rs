//! The session store on a SeaORM connection.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, TransactionTrait};
use waxseal_http::{
    Admission, Found, Limit, Page, Replicated, Row, RowId, Store, StoreError, Timestamp, Touch, Update, Wanted, Which,
};

use crate::{
    StoreOn, Table,
    again::again,
    cluster::Cluster,
    limit::{self, within},
    loads::{Load, Loads},
    statements::Statements,
    values::{backend, rolled_back, written},
};

/// A session store on a connection that the application already has. Cheap to clone.
///
/// Most verbs are one statement. `rotate` and `admit` are one transaction each; `delete_by_subject` repeats its statements until no
/// session is left. A statement that the database rolls back (a deadlock, a serialization failure, a lock: see
/// [`Fate`](crate::Fate)) is tried again, up to eight attempts within about two seconds, so any isolation level works.
///
/// A database server has five seconds to answer a statement. After that, a read fails, and the effect of a write is checked. On
/// SQLite its busy timeout applies instead.
#[derive(Clone)]
pub struct SeaOrmStore {
    db: DatabaseConnection,
    statements: Arc<Statements>,
    cluster: Cluster,
    /// `None` on a replica: a refusal or a wait here would count as a failure of the replica, and all sessions would then be read
    /// from the primary.
    loads: Option<Arc<Loads>>,
    #[cfg_attr(not(feature = "notices"), allow(dead_code))]
    table: Table,
    #[cfg(feature = "notices")]
    sweeping: Arc<crate::notices::Sweeping>,
}

impl SeaOrmStore {
    /// A store on `db`, in the table `waxseal_sessions`. The table must be there: see [`Migration`](crate::Migration).
    pub fn new(db: DatabaseConnection) -> Self {
        let statements = Arc::new(Statements::new(db.get_database_backend(), &Table::default()));
        Self {
            db,
            statements,
            cluster: Cluster::default(),
            loads: Some(Arc::default()),
            table: Table::default(),
            #[cfg(feature = "notices")]
            sweeping: Arc::default(),
        }
    }

    /// The same for another table. Applications that share a database need one table each.
    pub fn with_table(self, table: &Table) -> Self {
        let statements = Arc::new(Statements::new(self.statements.backend, table));
        Self { statements, table: table.clone(), ..self }
    }

    /// Reads sessions from `replica`, a copy of this database that follows it, and does everything else here.
    ///
    /// A user's own changes are always seen. The end of a session is seen at most one second late: while the replica is further
    /// behind, or cannot be reached, sessions are read here. See [`Replicated`]. Call [`with_table`](Self::with_table) before
    /// this.
    pub fn with_replica(self, replica: DatabaseConnection) -> Replicated<Self> {
        let replica = Self { db: replica, cluster: Cluster::default(), loads: None, ..self.clone() };
        Replicated::new(self, replica)
    }

    /// PostgreSQL's notices of changed rows, for [`Cached::notified`](waxseal_http::Cached::notified). An error on other databases.
    #[cfg(feature = "notices")]
    pub fn notices(&self) -> Result<crate::PostgresNotices, sea_orm::DbErr> {
        crate::PostgresNotices::new(self.db.clone(), &self.table)
    }

    /// The store's verbs on the caller's own connection or transaction: for example, to end a user's sessions in the transaction
    /// that changes their password.
    ///
    /// This does not refuse a sign-in that is under way at the same time. Call
    /// [`Sessions::revoke_others`](waxseal_http::Sessions::revoke_others) or [`revoke_all`](waxseal_http::Sessions::revoke_all)
    /// after the commit as well, so that the old password signs nobody in.
    ///
    /// Nothing is repeated here: if the database rolls a statement back, it rolls back the whole transaction. Begin the
    /// transaction again if [`Fate::of`](crate::Fate::of) the error is [`Fate::RolledBack`](crate::Fate::RolledBack).
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
        StoreOn {
            connection,
            statements: &self.statements,
            tries_again: false,
            causal: false,
            causal_again: false,
            limit: None,
        }
    }

    /// The verbs on the store's own connection, where each statement stands alone and can be repeated.
    fn own(&self) -> StoreOn<'_, DatabaseConnection> {
        StoreOn {
            tries_again: true,
            causal_again: self.cluster.is_known_galera(),
            limit: self.limit(),
            ..self.on(&self.db)
        }
    }

    /// The same, but each statement runs after the cluster's node has caught up with the others.
    async fn caught_up(&self) -> Result<StoreOn<'_, DatabaseConnection>, StoreError> {
        Ok(StoreOn { causal: self.is_galera().await?, ..self.own() })
    }

    /// Before a transaction is tried again on a Galera node: waits until the node has caught up.
    async fn catch_up(&self, tried: u32) -> Result<(), StoreError> {
        if tried > 0 && self.cluster.is_known_galera() {
            self.caught_up().await?.now().await?;
        }
        Ok(())
    }

    /// Waits until this row may be loaded.
    async fn begin_load(&self, id: RowId) -> Result<Option<Load>, StoreError> {
        match &self.loads {
            Some(loads) => loads.begin(id).await.map(Some),
            None => Ok(None),
        }
    }

    async fn is_galera(&self) -> Result<bool, StoreError> {
        within(self.limit(), self.cluster.is_galera(&self.db)).await.map_err(backend)
    }

    /// How long a statement, or one of the store's own transactions, may take.
    fn limit(&self) -> Option<Duration> {
        limit::of(self.statements.backend, limit::STATEMENT)
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

#[async_trait]
impl Store for SeaOrmStore {
    async fn load(&self, wanted: Wanted) -> Result<Option<Found>, StoreError> {
        let _load = self.begin_load(wanted.id).await?;
        if !self.is_galera().await? {
            return self.own().load(wanted.id).await;
        }
        if !wanted.newest {
            let found = self.own().load(wanted.id).await?;
            if wanted.is_met_by(found.as_ref()) {
                return Ok(found);
            }
        }
        self.caught_up().await?.load(wanted.id).await
    }

    async fn load_many(&self, wanted: &[Wanted]) -> Result<Vec<Option<Found>>, StoreError> {
        let ids: Vec<RowId> = wanted.iter().map(|wanted| wanted.id).collect();
        // Only the first row is bounded: requests with the same cookies ask for the same rows in the same order.
        let Some(first) = ids.first() else { return Ok(Vec::new()) };
        let _load = self.begin_load(*first).await?;
        let is_galera = self.is_galera().await?;
        let found = self.own().load_many(&ids).await?;
        let met = wanted.iter().zip(&found).all(|(wanted, found)| wanted.is_met_by(found.as_ref()));
        if met || !is_galera {
            return Ok(found);
        }
        self.caught_up().await?.load_many(&ids).await
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
            |tried| {
                within(self.limit(), async move {
                    self.catch_up(tried).await?;
                    let transaction = self.db.begin().await.map_err(backend)?;
                    // On an error it is rolled back when it is dropped.
                    let rotated = self.on(&transaction).rotate(old, generation, new.clone()).await?;
                    end(transaction, rotated).await.map(|()| rotated)
                })
            },
        )
        .await
    }

    async fn admit(&self, old: Option<(RowId, u64)>, new: Row, limit: Limit) -> Result<Admission, StoreError> {
        let new = &new;
        again(
            |error: &StoreError| rolled_back(error),
            |tried| {
                within(self.limit(), async move {
                    self.catch_up(tried).await?;
                    let transaction = self.db.begin().await.map_err(backend)?;
                    let admission = self.on(&transaction).admit(old, new.clone(), limit).await?;
                    end(transaction, admission == Admission::Done).await.map(|()| admission)
                })
            },
        )
        .await
    }

    async fn end_many(&self, ids: &[RowId], now: Timestamp) -> Result<(), StoreError> {
        self.own().end_many(ids, now).await
    }

    async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let limited = StoreOn { limit: limit::of(self.statements.backend, limit::SWEEP), ..self.own() };
        let deleted = limited.delete_expired(now, limit).await?;
        #[cfg(feature = "notices")]
        if self.statements.backend == sea_orm::DbBackend::Postgres {
            self.sweeping.sweep(&self.db, &self.table).await;
        }
        Ok(deleted)
    }

    async fn list_by_subject(&self, subject: &str, now: Timestamp, page: Page) -> Result<Vec<Row>, StoreError> {
        self.caught_up().await?.list_by_subject(subject, now, page).await
    }

    async fn delete_by_subject(&self, subject: &str, which: Which, now: Timestamp) -> Result<u64, StoreError> {
        self.caught_up().await?.delete_by_subject(subject, which, now).await
    }

    async fn ended_since(&self, since: Timestamp, limit: u32) -> Result<Vec<RowId>, StoreError> {
        self.own().ended_since(since, limit).await
    }

    async fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        self.own().now().await
    }

    async fn changed(&self, _id: RowId) {
        tokio::time::sleep(waxseal_http::ASKED_AGAIN).await;
    }

    fn may_be_behind(&self) -> bool {
        self.cluster.may_be_behind(self.statements.backend)
    }
}

/// Commits or rolls back.
async fn end(transaction: DatabaseTransaction, commits: bool) -> Result<(), StoreError> {
    let ended = if commits { transaction.commit().await } else { transaction.rollback().await };
    ended.map_err(written)
}
