//! The SQL of every verb, written once for the three databases and numbered once for PostgreSQL. Fixed texts: drivers prepare
//! each once a connection, where building a query anew costs 15 to 30 µs a call.
//!
//! Compare-and-swap is `UPDATE … WHERE id AND generation` and the count of rows: guarded upserts do not work on MySQL.

use sea_orm::DbBackend;

/// The SQL texts for one database.
pub(crate) struct Statements {
    pub(crate) backend: DbBackend,
    pub(crate) load: String,
    pub(crate) insert: String,
    pub(crate) update: String,
    pub(crate) touch: String,
    pub(crate) delete_at: String,
    pub(crate) delete: String,
    pub(crate) delete_expired: String,
    pub(crate) list: String,
    pub(crate) delete_all: String,
    pub(crate) delete_all_but: String,
    pub(crate) delete_only: String,
}

impl Statements {
    pub(crate) fn new(backend: DbBackend) -> Self {
        let sql = |text: &str| numbered(backend, text);
        Self {
            backend,
            load: sql("SELECT generation, subject, label, created_at, lifetime_s, seen_at, expires_at, data \
                 FROM waxseal_sessions WHERE id = ?"),
            insert: sql("INSERT INTO waxseal_sessions \
                 (id, generation, subject, label, created_at, lifetime_s, seen_at, expires_at, data) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
            // A null leaves a column as it is. PostgreSQL then sees an equal value and no index changes (a HOT update).
            update: sql(
                "UPDATE waxseal_sessions SET generation = generation + 1, data = ?, label = COALESCE(?, label), \
                 seen_at = COALESCE(?, seen_at), expires_at = COALESCE(?, expires_at) \
                 WHERE id = ? AND generation = ? AND expires_at > ?",
            ),
            touch: sql("UPDATE waxseal_sessions SET seen_at = ?, expires_at = ? \
                 WHERE id = ? AND seen_at < ? AND expires_at > ?"),
            delete_at: sql("DELETE FROM waxseal_sessions WHERE id = ? AND generation = ? AND expires_at > ?"),
            delete: sql("DELETE FROM waxseal_sessions WHERE id = ?"),
            delete_expired: sql(match backend {
                // MySQL has no LIMIT in a subquery, SQLite by default none on DELETE. SKIP LOCKED lets two sweepers share.
                DbBackend::MySql => "DELETE FROM waxseal_sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ?",
                DbBackend::Postgres => {
                    "DELETE FROM waxseal_sessions WHERE id = ANY(ARRAY(SELECT id FROM waxseal_sessions \
                     WHERE expires_at <= ? ORDER BY expires_at LIMIT ? FOR UPDATE SKIP LOCKED))"
                }
                _ => {
                    "DELETE FROM waxseal_sessions WHERE id IN (SELECT id FROM waxseal_sessions \
                     WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"
                }
            }),
            list: sql("SELECT id, generation, label, created_at, lifetime_s, seen_at, expires_at \
                 FROM waxseal_sessions WHERE subject = ? AND expires_at > ? ORDER BY seen_at DESC, id DESC"),
            delete_all: sql("DELETE FROM waxseal_sessions WHERE subject = ?"),
            delete_all_but: sql("DELETE FROM waxseal_sessions WHERE subject = ? AND id <> ?"),
            delete_only: sql("DELETE FROM waxseal_sessions WHERE subject = ? AND id = ?"),
        }
    }
}

/// `?` as PostgreSQL writes it: `$1`, `$2`, …
fn numbered(backend: DbBackend, text: &str) -> String {
    if backend != DbBackend::Postgres {
        return text.into();
    }
    let mut pieces = text.split('?');
    let mut numbered = pieces.next().unwrap_or_default().to_owned();
    for (index, piece) in pieces.enumerate() {
        numbered.push_str(&format!("${}{piece}", index + 1));
    }
    numbered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Column;
    use sea_orm::{IdenStatic, Iterable};

    #[test]
    fn postgres_placeholders_are_numbered() {
        assert_eq!(numbered(DbBackend::Postgres, "a = ? AND b > ?"), "a = $1 AND b > $2");
        assert_eq!(numbered(DbBackend::Sqlite, "a = ?"), "a = ?");
    }

    #[test]
    fn the_insert_names_every_column_of_the_entity() {
        let insert = Statements::new(DbBackend::Sqlite).insert;
        let columns: Vec<&str> = Column::iter().map(|column| column.as_str()).collect();
        assert!(insert.contains(&format!("({})", columns.join(", "))), "{insert}");
    }
}
