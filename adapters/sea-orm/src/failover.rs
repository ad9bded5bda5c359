//! A PostgreSQL pool that follows a failover.
//!
//! ```no_run
//! # async fn start() -> Result<(), sea_orm::DbErr> {
//! let mut options = sea_orm::ConnectOptions::new("postgres://app@db.internal/shop");
//! waxseal_sea_orm::failover::postgres(&mut options);
//! let db = sea_orm::Database::connect(options).await?;
//! # Ok(())
//! # }
//! ```
//!
//! A pool keeps its connections for half an hour. After a failover they may lead to the old primary, which is now read-only, or
//! to a machine that has vanished without closing them. [`postgres`] makes the pool detect both.
//!
//! The address must lead to the present primary: sqlx connects to one host and has no `target_session_attrs`. Use a virtual IP
//! address, a TCP proxy (HAProxy with a check for the primary) or a DNS name that follows the primary.

use std::{future::Future, io, time::Duration};

use sea_orm::{
    ConnectOptions,
    sqlx::{self, Connection, Row, postgres::PgConnection},
};

/// How long a connection may take to answer the check. A server that is slower than this is of no use.
const CHECK: Duration = Duration::from_secs(1);

/// How long to wait for a connection, if the application has not set a limit.
const ACQUIRE: Duration = Duration::from_secs(4);

/// How long the server may work on a statement, if the application has not set a limit. Less than the store waits for its answer.
const STATEMENT: Duration = Duration::from_secs(4);

/// Makes the pool follow a failover:
///
/// - A connection is used only after its server has confirmed, within a second, that it accepts writes. This check replaces the
///   ping that sqlx makes, and is the only cost for a request.
/// - A connection that does not answer within a second after its use is closed. Without this, sqlx waits for it forever.
/// - Waiting for a connection, and each statement on the server, is limited to four seconds. Set `acquire_timeout` or
///   `statement_timeout` before this call to choose other limits.
///
/// It uses `map_sqlx_postgres_before_acquire` and `map_sqlx_postgres_pool_opts`: setting these afterwards removes the checks. If
/// you need your own hooks, call [`takes_writes`] and [`answers`] in them.
pub fn postgres(options: &mut ConnectOptions) -> &mut ConnectOptions {
    if options.get_acquire_timeout().is_none() {
        options.acquire_timeout(ACQUIRE);
    }
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
pub async fn takes_writes(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let row = soon(sqlx::raw_sql("SHOW transaction_read_only").fetch_one(connection)).await?;
    Ok(row.try_get::<&str, _>(0)? == "off")
}

/// Checks that the connection answers. An error if it does not answer within a second.
pub async fn answers(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    soon(connection.ping()).await
}

async fn soon<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    tokio::time::timeout(CHECK, answer).await.unwrap_or_else(|_| {
        let text = "the database did not answer the connection check";
        Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, text)))
    })
}
