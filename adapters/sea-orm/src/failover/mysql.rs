//! A pool on MySQL, MariaDB or a Galera cluster.

use sea_orm::{
    ConnectOptions,
    sqlx::{self, Row, mysql::MySqlConnection},
};

use super::{answers, limit_acquiring, soon};

/// MariaDB 12 has words for the values of `read_only`.
const TAKES_WRITES: &str = "SELECT CAST(@@GLOBAL.read_only AS CHAR) IN ('0', 'OFF')";

/// Makes a pool on MySQL, MariaDB or a Galera cluster follow a failover:
///
/// - A connection is used only after its server has confirmed, within a second, that it is not read-only. This check replaces the ping
///   that sqlx makes, and is the only cost for a request.
/// - A connection that does not answer within a second after its use is closed. Without this, sqlx waits for it forever.
/// - Waiting for a connection is limited to four seconds. Set `acquire_timeout` before this call to choose another limit. The store
///   itself waits five seconds for a statement.
///
/// It uses `map_sqlx_mysql_before_acquire` and `map_sqlx_mysql_pool_opts`: setting these afterwards removes the checks. If you need
/// your own hooks, call [`mysql_takes_writes`] and [`answers`] in them.
///
/// ```no_run
/// # async fn start() -> Result<(), sea_orm::DbErr> {
/// let mut options = sea_orm::ConnectOptions::new("mysql://app@db.internal/shop");
/// waxseal_sea_orm::failover::mysql(&mut options);
/// let db = sea_orm::Database::connect(options).await?;
/// # Ok(())
/// # }
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "mysql-failover")))]
pub fn mysql(options: &mut ConnectOptions) -> &mut ConnectOptions {
    limit_acquiring(options);
    options
        .test_before_acquire(false)
        .map_sqlx_mysql_before_acquire(|connection, _| Box::pin(mysql_takes_writes(connection)))
        .map_sqlx_mysql_pool_opts(|pool| {
            pool.after_release(|connection, _| Box::pin(async move { answers(connection).await.map(|()| true) }))
        })
}

/// Whether the connection's server accepts writes. An error if it does not answer within a second.
#[cfg_attr(docsrs, doc(cfg(feature = "mysql-failover")))]
pub async fn mysql_takes_writes(connection: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
    let row = soon(sqlx::raw_sql(TAKES_WRITES).fetch_one(connection)).await?;
    Ok(row.try_get::<i64, _>(0)? == 1)
}
