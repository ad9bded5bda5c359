//! Whether the database is a node of a Galera cluster, which may be behind the others, and how a statement waits until the node
//! has caught up.
//!
//! A node answers from its own state, and the commits of others arrive a little later. Waiting costs up to that delay, so only
//! the statements that need it wait: a load that is behind its cookie, and statements that select by subject.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr};
use tokio::sync::OnceCell;

/// Makes one statement wait until the node has applied everything that the cluster had committed when the statement began. The
/// bits: 1 READ, 2 UPDATE and DELETE, 4 INSERT and REPLACE.
pub(crate) const CAUSAL: &str = "SET STATEMENT wsrep_sync_wait = 7 FOR ";

/// On MariaDB and MySQL: whether this server replicates with Galera.
const ASK: &str = "SELECT @@wsrep_on";

/// Whether the database is a Galera node. Asked once.
#[derive(Clone, Default)]
pub(crate) struct Cluster(Arc<OnceCell<bool>>);

impl Cluster {
    /// Asks the database, unless the answer is already known.
    pub(crate) async fn is_galera(&self, db: &DatabaseConnection) -> Result<bool, DbErr> {
        if db.get_database_backend() != DbBackend::MySql {
            return Ok(false);
        }
        self.0.get_or_try_init(|| ask(db)).await.copied()
    }

    /// Whether the database is known to be a Galera node.
    pub(crate) fn is_known_galera(&self) -> bool {
        self.0.get() == Some(&true)
    }

    /// Whether a statement may see an old state. `true` if the database was not asked yet and may be a Galera node.
    pub(crate) fn may_be_behind(&self, backend: DbBackend) -> bool {
        backend == DbBackend::MySql && self.0.get() != Some(&false)
    }
}

async fn ask(db: &DatabaseConnection) -> Result<bool, DbErr> {
    let statement = sea_orm::Statement::from_string(DbBackend::MySql, ASK);
    match db.query_one_raw(statement).await {
        Ok(Some(row)) => Ok(row.try_get_by_index::<i64>(0).map(|on| on != 0)?),
        Ok(None) => Ok(false),
        // ER_UNKNOWN_SYSTEM_VARIABLE: the server was built without Galera.
        Err(error) if crate::fate::Code::of(&error) == Some(crate::fate::Code::MySql(1193)) => Ok(false),
        Err(error) => Err(error),
    }
}
