//! A pool for PostgreSQL that follows a failover: it leaves a server that has become read-only, and does not wait long for one that
//! does not answer.

use std::time::Duration;

use sea_orm::ConnectOptions;
use sqlx::Executor;

/// How long a connection may take to say whether it is good, before it is given up.
const CHECK: Duration = Duration::from_secs(2);

/// How long a new connection may take.
const CONNECT: Duration = Duration::from_secs(3);

/// How long the server may work on a statement, in milliseconds.
const STATEMENT_MS: &str = "5000";

/// Makes the pool of these options follow a failover.
///
/// The host of the URL must be the one that leads to the present primary: a name that the failover moves, a virtual address, or a
/// proxy. (The driver takes one host.) Before a connection is used it says whether its server takes writes; one that has become
/// read-only, or does not answer within two seconds, is closed and another one opened. A statement that runs for longer than five
/// seconds is ended by the server.
///
/// A peer that vanishes without a word, with statements under way, is not noticed by the driver: their connections come back when the
/// operating system gives them up. On Linux, set `net.ipv4.tcp_retries2` to 5, which is about 13 seconds.
///
/// ```no_run
/// # async fn connect() -> Result<(), sea_orm::DbErr> {
/// let mut options = sea_orm::ConnectOptions::new("postgres://app@db.internal/shop");
/// waxseal_sea_orm::follow_failover(&mut options);
/// let db = sea_orm::Database::connect(options).await?;
/// # Ok(())
/// # }
/// ```
pub fn follow_failover(options: &mut ConnectOptions) -> &mut ConnectOptions {
    options
        // The check below asks more.
        .test_before_acquire(false)
        .connect_timeout(CONNECT)
        .map_sqlx_postgres_opts(|options| options.options([("statement_timeout", STATEMENT_MS)]))
        .map_sqlx_postgres_pool_opts(|pool| {
            pool.before_acquire(|connection, _| {
                Box::pin(async move {
                    let asked = connection.fetch_one("SHOW transaction_read_only");
                    let Ok(Ok(row)) = tokio::time::timeout(CHECK, asked).await else { return Ok(false) };
                    let read_only: String = sqlx::Row::try_get(&row, 0)?;
                    if read_only == "on" {
                        tracing::warn!("the database server has become read-only; its connection is closed");
                    }
                    Ok(read_only != "on")
                })
            })
        })
}
