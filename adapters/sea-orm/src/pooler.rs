//! Explains the errors of a pooler that loses prepared statements.

use std::fmt;

use sea_orm::DbErr;

use crate::fate::Code;

/// What to do about it.
const ADVICE: &str = "a connection pooler gave this session another server connection, without its prepared statements. \
                      With PgBouncer in transaction mode, use version 1.21 or later with `max_prepared_statements` above 0 \
                      (200, for example); any version works with `pool_mode = session`";

/// An error of the database that was caused by a pooler.
#[derive(Debug)]
struct LostStatement(DbErr);

impl fmt::Display for LostStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ADVICE}: {}", self.0)
    }
}

impl std::error::Error for LostStatement {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// The error, with advice if a pooler caused it.
pub(crate) fn explained(error: DbErr) -> Box<dyn std::error::Error + Send + Sync> {
    if is_poolers(&error) { Box::new(LostStatement(error)) } else { error.into() }
}

/// The same for errors of migrations.
#[cfg(feature = "migration")]
pub(crate) fn explained_migration(error: DbErr) -> DbErr {
    if is_poolers(&error) { DbErr::Migration(LostStatement(error).to_string()) } else { error }
}

fn is_poolers(error: &DbErr) -> bool {
    // duplicate_prepared_statement, invalid_sql_statement_name
    matches!(Code::of(error), Some(Code::Postgres(state)) if state == "42P05" || state == "26000")
}
