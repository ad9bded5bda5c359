//! How long the store waits for an answer: on a connection to a vanished server, none ever arrives.

use std::{future::Future, time::Duration};

use sea_orm::{DbBackend, DbErr, RuntimeErr};

/// How long a statement may take, including the wait for a connection.
pub(crate) const STATEMENT: Duration = Duration::from_secs(5);

/// The same for a sweep, which deletes many rows.
pub(crate) const SWEEP: Duration = Duration::from_secs(60);

/// The message if no answer came. The statement may have been executed.
pub(crate) const NO_ANSWER: &str = "the database did not answer in time";

/// The result of `statement`. After `limit`, an error whose fate is unknown; the connection is then closed.
pub(crate) async fn within<T, E: From<NoAnswer>>(
    limit: Option<Duration>,
    statement: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match limit {
        None => statement.await,
        Some(limit) => tokio::time::timeout(limit, statement).await.unwrap_or_else(|_| Err(NoAnswer.into())),
    }
}

/// The limit for a database's statements. SQLite is a file: a statement on it ends within its busy timeout.
pub(crate) fn of(backend: DbBackend, limit: Duration) -> Option<Duration> {
    (backend != DbBackend::Sqlite).then_some(limit)
}

/// No answer came in time.
pub(crate) struct NoAnswer;

impl From<NoAnswer> for DbErr {
    fn from(_: NoAnswer) -> Self {
        Self::Exec(RuntimeErr::Internal(NO_ANSWER.into()))
    }
}

impl From<NoAnswer> for waxseal_http::StoreError {
    fn from(no_answer: NoAnswer) -> Self {
        Self::unknown(DbErr::from(no_answer))
    }
}
