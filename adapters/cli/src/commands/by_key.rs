//! Which keys the rows were made with: what `stats` counts, and what the doctor compares with the available keys.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};
use waxseal_core::Timestamp;

/// The number of live sessions by the id of the key that their rows need. `table` is quoted.
pub(super) async fn live(db: &DatabaseConnection, table: &str, now: Timestamp) -> Result<BTreeMap<String, i64>, DbErr> {
    // FORMAT.md: the key id is bytes 2 to 5.
    let header = match db.get_database_backend() {
        DbBackend::Postgres => "SUBSTRING(data FROM 2 FOR 4)",
        DbBackend::MySql => "SUBSTRING(data, 2, 4)",
        _ => "SUBSTR(data, 2, 4)",
    };
    let sql = format!(
        "SELECT {header}, COUNT(*) FROM {table} \
         WHERE generation > 0 AND expires_at > {} AND LENGTH(data) > 4 GROUP BY 1",
        now.unix_seconds()
    );
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    rows.iter().map(|row| Ok((hex(&row.try_get_by_index::<Vec<u8>>(0)?), row.try_get_by_index(1)?))).collect()
}

/// A key id in the form that is shown everywhere.
pub(super) fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
