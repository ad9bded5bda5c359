//! Pools that follow a failover.
//!
//! A pool keeps its connections for half an hour. After a failover they may lead to the old primary, which is now read-only, or
//! to a machine that has vanished without closing them. [`postgres()`] and [`mysql()`] make the pool detect both.
//!
//! The address must lead to the present primary, or to a Galera node that is in the cluster: sqlx connects to one host. Use a virtual
//! IP address, a TCP proxy (HAProxy with a check) or a DNS name that follows the primary.

#[cfg(feature = "mysql-failover")]
mod mysql;
#[cfg(feature = "postgres-failover")]
mod postgres;

use std::{future::Future, io, time::Duration};

use sea_orm::{
    ConnectOptions,
    sqlx::{self, Connection},
};

#[cfg(feature = "mysql-failover")]
pub use mysql::{mysql, mysql_takes_writes};
#[cfg(feature = "postgres-failover")]
pub use postgres::{postgres, takes_writes};

/// How long a connection may take to answer the check. A server that is slower than this is of no use.
const CHECK: Duration = Duration::from_secs(1);

/// How long to wait for a connection, if the application has not set a limit.
const ACQUIRE: Duration = Duration::from_secs(4);

/// Checks that the connection answers. An error if it does not answer within a second.
pub async fn answers<C: Connection>(connection: &mut C) -> Result<(), sqlx::Error> {
    soon(connection.ping()).await
}

fn limit_acquiring(options: &mut ConnectOptions) {
    if options.get_acquire_timeout().is_none() {
        options.acquire_timeout(ACQUIRE);
    }
}

async fn soon<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    tokio::time::timeout(CHECK, answer).await.unwrap_or_else(|_| {
        let text = "the database did not answer the connection check";
        Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, text)))
    })
}
