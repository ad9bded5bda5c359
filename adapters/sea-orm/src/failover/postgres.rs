//! A pool on PostgreSQL.

use std::time::Duration;

use sea_orm::{
    ConnectOptions,
    sqlx::{self, Row, postgres::PgConnection},
};

use super::{answers, limit_acquiring, soon};

/// How long the server may work on a statement, if the application has not set a limit. Less than the store waits for its answer.
const STATEMENT: Duration = Duration::from_secs(4);

/// Makes a pool on PostgreSQL follow a failover:
///
/// - A connection is used only after its server has confirmed, within a second, that it accepts writes. This check replaces the
///   ping that sqlx makes, and is the only cost for a request.
/// - A connection that does not answer within a second after its use is closed. Without this, sqlx waits for it forever.
/// - Waiting for a connection, and each statement on the server, is limited to four seconds. Set `acquire_timeout` or
///   `statement_timeout` before this call to choose other limits.
///
/// It uses `map_sqlx_postgres_before_acquire` and `map_sqlx_postgres_pool_opts`: setting these afterwards removes the checks. If
/// you need your own hooks, call [`takes_writes`] and [`answers`] in them.
///
/// ```no_run
/// # async fn start() -> Result<(), sea_orm::DbErr> {
/// let mut options = sea_orm::ConnectOptions::new("postgres://app@db.internal/shop");
/// waxseal_sea_orm::failover::postgres(&mut options);
/// let db = sea_orm::Database::connect(options).await?;
/// # Ok(())
/// # }
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "postgres-failover")))]
pub fn postgres(options: &mut ConnectOptions) -> &mut ConnectOptions {
    limit_acquiring(options);
    if options.get_statement_timeout().is_none() {
        options.statement_timeout(STATEMENT);
    }
    options
        .test_before_acquire(false)
        .map_sqlx_postgres_before_acquire(|connection, _| Box::pin(takes_writes(connection)))
        .map_sqlx_postgres_pool_opts(|pool| {
            pool.after_release(|connection, _| Box::pin(async move { answers(connection).await.map(|()| true) }))
        })
}

/// Whether the connection's server accepts writes. An error if it does not answer within a second.
#[cfg_attr(docsrs, doc(cfg(feature = "postgres-failover")))]
pub async fn takes_writes(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let row = soon(sqlx::raw_sql("SHOW transaction_read_only").fetch_one(connection)).await?;
    Ok(row.try_get::<&str, _>(0)? == "off")
}
