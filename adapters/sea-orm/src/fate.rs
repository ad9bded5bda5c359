//! Whether a failed statement took effect: the only place that interprets a database's errors.
//!
//! It uses SQLSTATE and error numbers, which no locale translates. `sea_orm` shows the driver's error type only with a driver
//! feature, and the application chooses those. So the code is read from the error's `Debug` output: text in quotes is escaped
//! there and cannot be mistaken for a code. The tests on real databases notice if a driver changes this output.
//!
//! Sources: PostgreSQL's "Error Codes" (appendix A), MySQL's "Server Error Message Reference", MariaDB's "Error Codes", SQLite's
//! "Result and Error Codes".

use std::error::Error;

use sea_orm::{DbErr, RuntimeErr};

use crate::limit::NO_ANSWER;

/// Whether a failed statement took effect, and whether to repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// The database rolled it back because of others (a deadlock, a serialization failure, a lock), or did not begin it (a node
    /// that does not accept writes at the moment). It may succeed when it is repeated. In a transaction, begin the transaction
    /// again.
    RolledBack,
    /// The connection was lost. The statement may or may not have taken effect.
    Unknown,
    /// It failed without effect, and would fail again.
    Failed,
}

impl Fate {
    /// Judges an error by itself or by the [`DbErr`] that is its source, as in a [`StoreError`](waxseal_http::StoreError).
    ///
    /// ```
    /// # use sea_orm::DbErr;
    /// # use waxseal_http::StoreError;
    /// # use waxseal_sea_orm::Fate;
    /// let error = StoreError::backend(DbErr::Custom("no".into()));
    /// assert_eq!(Fate::of(&error), Fate::Failed);
    /// ```
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(error) = error.downcast_ref::<DbErr>() {
                return match said(error) {
                    Said::Code(code) => code.fate(),
                    Said::Lost => Self::Unknown,
                    Said::Other => Self::Failed,
                };
            }
            next = error.source();
        }
        Self::Failed
    }
}

/// What a database or its driver reported.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Code(Code),
    /// The connection broke after the statement was sent.
    Lost,
    Other,
}

/// A database's error code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// PostgreSQL's SQLSTATE.
    Postgres(String),
    /// MySQL's and MariaDB's error number. Their SQLSTATE is often the general HY000.
    MySql(u16),
    /// SQLite's extended result code.
    Sqlite(u32),
}

impl Code {
    /// The error code, if the error is an answer of a database.
    pub(crate) fn of(error: &DbErr) -> Option<Self> {
        match said(error) {
            Said::Code(code) => Some(code),
            _ => None,
        }
    }

    fn fate(&self) -> Fate {
        match self {
            Self::Postgres(state) => postgres(state),
            Self::MySql(number) => mysql(*number),
            Self::Sqlite(code) => sqlite(*code),
        }
    }

    /// Whether an object that should be made exists already.
    #[cfg_attr(not(feature = "migration"), allow(dead_code))]
    pub(crate) fn exists_already(&self) -> bool {
        match self {
            // unique_violation (a race of two CREATE TABLE IF NOT EXISTS ends in it too), duplicate_table, duplicate_object
            Self::Postgres(state) => matches!(state.as_str(), "23505" | "42P07" | "42710"),
            // ER_TABLE_EXISTS_ERROR, ER_DUP_KEYNAME, ER_DUP_ENTRY
            Self::MySql(number) => matches!(number, 1050 | 1061 | 1062),
            // SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE
            Self::Sqlite(code) => matches!(code, 1555 | 2067),
        }
    }
}

fn postgres(state: &str) -> Fate {
    match state {
        // statement_completion_unknown
        "40003" => Fate::Unknown,
        // serialization_failure and transaction_rollback; deadlock_detected
        "40000" | "40001" | "40P01" => Fate::RolledBack,
        // lock_not_available: `lock_timeout` has passed
        "55P03" => Fate::RolledBack,
        // read_only_sql_transaction: a standby, or the old primary after a failover; another connection may lead to the new one
        "25006" => Fate::RolledBack,
        // cannot_connect_now, too_many_connections: it was not begun
        "57P03" | "53300" => Fate::RolledBack,
        // idle_session_timeout, idle_in_transaction_session_timeout: the server closed the connection before the statement
        // arrived
        "57P05" | "25P03" => Fate::RolledBack,
        // admin_shutdown also ends a COMMIT that waits for a standby and has already taken effect; crash_shutdown
        "57P01" | "57P02" => Fate::Unknown,
        // sqlclient_unable_to_establish_sqlconnection, sqlserver_rejected_establishment_of_sqlconnection
        "08001" | "08004" => Fate::Failed,
        // connection_exception; PgBouncer says 08P01 when it loses the server
        _ if state.starts_with("08") => Fate::Unknown,
        // Among them in_failed_sql_transaction (25P02): a statement before it failed, and its fate counts.
        _ => Fate::Failed,
    }
}

fn mysql(number: u16) -> Fate {
    match number {
        // ER_LOCK_DEADLOCK (with Galera also a failed certification), ER_XA_RBDEADLOCK,
        // ER_TRANSACTION_ROLLBACK_DURING_COMMIT (group replication)
        1213 | 1614 | 3101 => Fate::RolledBack,
        // ER_LOCK_WAIT_TIMEOUT rolls back the statement alone; a single statement is a whole verb, and the store's transaction
        // then ends too.
        1205 | 3572 => Fate::RolledBack,
        // ER_CHECKREAD: MariaDB's `innodb_snapshot_isolation`
        1020 => Fate::RolledBack,
        // ER_TABLE_DEF_CHANGED, ER_NEED_REPREPARE: the table was altered meanwhile
        1412 | 1615 => Fate::RolledBack,
        // ER_OPTION_PREVENTS_STATEMENT (`--read-only`), ER_READ_ONLY_MODE, ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
        1290 | 1836 | 1792 => Fate::RolledBack,
        // ER_CON_COUNT_ERROR, and ER_UNKNOWN_COM_ERROR: a Galera node that is not ready
        1040 | 1047 => Fate::RolledBack,
        // ER_SERVER_SHUTDOWN, ER_NEW_ABORTING_CONNECTION and ER_NET_*, ER_ABORTING_CONNECTION, ER_CONNECTION_KILLED
        1053 | 1152 | 1158..=1161 | 1184 | 1927 => Fate::Unknown,
        // ER_ERROR_DURING_COMMIT
        1180 => Fate::Unknown,
        _ => Fate::Failed,
    }
}

fn sqlite(code: u32) -> Fate {
    match code & 0xff {
        // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_SCHEMA, each with its extended codes
        5 | 6 | 17 => Fate::RolledBack,
        _ => Fate::Failed,
    }
}

fn said(error: &DbErr) -> Said {
    match error {
        DbErr::Exec(error) | DbErr::Query(error) => read(error),
        // There was no connection, so nothing was sent. The database may have given a reason.
        DbErr::Conn(error) => match read(error) {
            Said::Lost => Said::Other,
            said => said,
        },
        _ => Said::Other,
    }
}

/// Reads the `Debug` of a driver's error.
fn read(error: &RuntimeErr) -> Said {
    if matches!(error, RuntimeErr::Internal(text) if text == NO_ANSWER) {
        return Said::Lost;
    }
    let debug = format!("{error:?}");
    parse(&debug)
}

fn parse(debug: &str) -> Said {
    let Some(error) = debug.strip_prefix("SqlxError(") else { return Said::Other };
    if ["Io(", "Protocol(", "WorkerCrashed"].iter().any(|lost| error.starts_with(lost)) {
        return Said::Lost;
    }
    let Some(error) = error.strip_prefix("Database(") else { return Said::Other };
    let Some((driver, fields)) = error.split_once(" { ") else { return Said::Other };
    let code = match driver {
        // A pooler has switched to a server process on which another connection has prepared a statement of the same name, and
        // the parameters do not fit. PostgreSQL reports a protocol_violation, which PgBouncer also reports when it loses the
        // server. So this is treated as an invalid_sql_statement_name.
        "PgDatabaseError" if fields.contains("routine: Some(\"exec_bind_message\")") => {
            Some(Code::Postgres("26000".into()))
        }
        "PgDatabaseError" => field(fields, "code: \"", '"').map(|state| Code::Postgres(state.into())),
        "MySqlDatabaseError" => field(fields, "number: ", ',').and_then(|number| number.parse().ok()).map(Code::MySql),
        "SqliteError" => field(fields, "code: ", ',').and_then(|code| code.parse().ok()).map(Code::Sqlite),
        _ => None,
    };
    code.map_or(Said::Other, Said::Code)
}

/// The text between the first `start` and the next `end`.
fn field<'a>(fields: &'a str, start: &str, end: char) -> Option<&'a str> {
    fields.split_once(start)?.1.split_once(end).map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fate(debug: &str) -> Fate {
        match parse(debug) {
            Said::Code(code) => code.fate(),
            Said::Lost => Fate::Unknown,
            Said::Other => Fate::Failed,
        }
    }

    fn postgres(code: &str) -> Fate {
        // What a user wrote stands in the message and the detail, escaped.
        fate(&format!(
            r#"SqlxError(Database(PgDatabaseError {{ severity: Error, code: "{code}", message: "a\", code: \"40001\"", detail: None }}))"#
        ))
    }

    fn mysql(number: u16) -> Fate {
        fate(&format!(
            r#"SqlxError(Database(MySqlDatabaseError {{ code: Some("HY000"), number: {number}, message: "number: 1213, a" }}))"#
        ))
    }

    fn sqlite(code: u32) -> Fate {
        fate(&format!(r#"SqlxError(Database(SqliteError {{ code: {code}, message: "code: 5, a" }}))"#))
    }

    #[test]
    fn what_was_rolled_back_is_told_by_the_code() {
        for code in ["40001", "40P01", "55P03", "25006", "57P03"] {
            assert_eq!(postgres(code), Fate::RolledBack, "{code}");
        }
        for number in [1213, 1205, 1020, 1047, 1290] {
            assert_eq!(mysql(number), Fate::RolledBack, "{number}");
        }
        // BUSY, LOCKED, BUSY_RECOVERY, LOCKED_SHAREDCACHE, BUSY_SNAPSHOT
        for code in [5, 6, 261, 262, 517] {
            assert_eq!(sqlite(code), Fate::RolledBack, "{code}");
        }
    }

    #[test]
    fn a_lost_connection_leaves_it_open() {
        for code in ["08006", "08P01", "57P01", "40003"] {
            assert_eq!(postgres(code), Fate::Unknown, "{code}");
        }
        for number in [1053, 1160, 1180, 1927] {
            assert_eq!(mysql(number), Fate::Unknown, "{number}");
        }
        for lost in [
            "SqlxError(Io(Os { code: 104, kind: ConnectionReset, message: \"Connection reset by peer\" }))",
            "SqlxError(Protocol(\"unexpected packet\"))",
            "SqlxError(WorkerCrashed)",
        ] {
            assert_eq!(fate(lost), Fate::Unknown, "{lost}");
        }
        assert_eq!(Fate::of(&DbErr::from(crate::limit::NoAnswer)), Fate::Unknown);
    }

    #[test]
    fn a_statement_that_a_pooler_has_mixed_up_failed() {
        let bind = "SqlxError(Database(PgDatabaseError { severity: Error, code: \"08P01\", message: \"bind message supplies 9 \
                    parameters\", file: Some(\"postgres.c\"), line: Some(1674), routine: Some(\"exec_bind_message\") }))";
        assert_eq!(fate(bind), Fate::Failed);
        // A text of the data cannot pass for it: its quotes are escaped.
        let text = "SqlxError(Database(PgDatabaseError { code: \"08P01\", message: \"routine: Some(\\\"exec_bind_message\\\")\" }))";
        assert_eq!(fate(text), Fate::Unknown);
    }

    #[test]
    fn the_rest_failed() {
        for code in ["23505", "25P02", "42P01", "57014", "08001"] {
            assert_eq!(postgres(code), Fate::Failed, "{code}");
        }
        for number in [1062, 1146, 1317] {
            assert_eq!(mysql(number), Fate::Failed, "{number}");
        }
        for code in [1, 8, 13, 1555] {
            assert_eq!(sqlite(code), Fate::Failed, "{code}");
        }
        let texts = ["SqlxError(PoolClosed)", "Internal(\"Database(PgDatabaseError { code: \\\"40001\\\"\")"];
        assert!(texts.iter().all(|text| fate(text) == Fate::Failed));
        assert_eq!(Fate::of(&DbErr::Conn(RuntimeErr::Internal("no".into()))), Fate::Failed);
        assert_eq!(Fate::of(&std::fmt::Error), Fate::Failed);
    }
}
