//! The SQL of every verb, written once for the three databases, with the table's name; parameters are numbered for PostgreSQL.
//! The texts are fixed: drivers prepare each once per connection. Building a query for each call would cost 15 to 30 µs.
//!
//! Compare-and-swap is `UPDATE … WHERE id AND generation` and the number of changed rows: guarded upserts do not work on MySQL.

use sea_orm::DbBackend;

use crate::Table;

/// Turns a session into its tombstone: generation 0, the time of its end, no data and no subject.
const END: &str = "UPDATE {table} SET generation = 0, subject = NULL, label = NULL, data = ?, \
                   seen_at = ?, expires_at = ?";

const LOAD: &str = "SELECT id, generation, subject, label, created_at, lifetime_s, seen_at, expires_at, data \
                    FROM {table} WHERE";

/// The SQL texts for one table of one database.
pub(crate) struct Statements {
    pub(crate) backend: DbBackend,
    table: String,
    pub(crate) load: String,
    pub(crate) insert: String,
    pub(crate) update: String,
    pub(crate) touch: String,
    pub(crate) end_at: String,
    pub(crate) delete_expired: String,
    pub(crate) list: String,
    pub(crate) end_all: String,
    pub(crate) end_all_but: String,
    pub(crate) end_only: String,
    /// A subject's oldest sessions that exceed the limit.
    pub(crate) over: String,
    pub(crate) ended_since: String,
    /// The database's time in milliseconds. SQLite has no clock of its own.
    pub(crate) now: Option<&'static str>,
}

impl Statements {
    pub(crate) fn new(backend: DbBackend, table: &Table) -> Self {
        let table = table.quoted(backend);
        let sql = |text: &str| numbered(backend, &text.replace("{table}", &table));
        // MySQL compares with the column's collation; in a table that was not made by the migration, "Ada" may equal "ada". The
        // first comparison uses the index, the second decides.
        let by_subject = match backend {
            DbBackend::MySql => "subject = ? AND BINARY subject = BINARY ?",
            _ => "subject = ?",
        };
        Self {
            backend,
            load: sql(&format!("{LOAD} id = ?")),
            insert: sql("INSERT INTO {table} \
                 (id, generation, subject, label, created_at, lifetime_s, seen_at, expires_at, data) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
            // A null keeps a column's value. PostgreSQL then sees an equal value, and no index changes (a HOT update).
            update: sql("UPDATE {table} SET generation = generation + 1, data = ?, label = COALESCE(?, label), \
                 seen_at = COALESCE(?, seen_at), expires_at = COALESCE(?, expires_at) \
                 WHERE id = ? AND generation = ? AND expires_at > ?"),
            touch: sql("UPDATE {table} SET seen_at = ?, expires_at = ? \
                 WHERE id = ? AND generation = ? AND seen_at < ? AND expires_at > ?"),
            end_at: sql(&format!("{END} WHERE id = ? AND generation = ? AND expires_at > ?")),
            delete_expired: sql(match backend {
                // MySQL has no LIMIT in a subquery; SQLite by default has none on DELETE. SKIP LOCKED lets two sweepers share the
                // work.
                DbBackend::MySql => "DELETE FROM {table} WHERE expires_at <= ? ORDER BY expires_at LIMIT ?",
                DbBackend::Postgres => {
                    "DELETE FROM {table} WHERE id = ANY(ARRAY(SELECT id FROM {table} \
                     WHERE expires_at <= ? ORDER BY expires_at LIMIT ? FOR UPDATE SKIP LOCKED))"
                }
                _ => {
                    "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} \
                     WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"
                }
            }),
            list: sql(&format!(
                "SELECT id, generation, subject, label, created_at, lifetime_s, seen_at, expires_at \
                 FROM {{table}} WHERE {by_subject} AND expires_at > ? \
                 AND (seen_at < ? OR (seen_at = ? AND id < ?)) ORDER BY seen_at DESC, id DESC LIMIT ?"
            )),
            end_all: sql(&format!("{END} WHERE {by_subject}")),
            end_all_but: sql(&format!("{END} WHERE {by_subject} AND id <> ?")),
            end_only: sql(&format!("{END} WHERE {by_subject} AND id = ?")),
            over: sql(&format!(
                "SELECT id FROM {{table}} WHERE {by_subject} AND id <> ? AND expires_at > ? \
                 AND seen_at > ? AND created_at > ? ORDER BY created_at DESC, id DESC LIMIT 1000 OFFSET ?"
            )),
            ended_since: sql(
                "SELECT id FROM {table} WHERE generation = 0 AND expires_at >= ? ORDER BY expires_at DESC LIMIT ?",
            ),
            now: match backend {
                DbBackend::Postgres => Some("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"),
                DbBackend::MySql => Some("SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)"),
                _ => None,
            },
            table,
        }
    }
}

impl Statements {
    /// Loads `count` rows by their ids.
    pub(crate) fn load_many(&self, count: usize) -> String {
        self.sql(&format!("{LOAD} id IN ({})", vec!["?"; count].join(", ")))
    }

    /// Leaves `count` tombstones. The values of each: id, created_at, data, seen_at, expires_at. An end that arrives late leaves a
    /// tombstone of a later time as it is.
    pub(crate) fn end_many(&self, count: usize) -> String {
        let rows = vec!["(?, 0, NULL, NULL, ?, 0, ?, ?, ?)"; count].join(", ");
        let (alias, conflict) = match self.backend {
            // MySQL assigns from left to right: the times that a condition reads come after it, and `generation` last.
            DbBackend::MySql => (
                "",
                "ON DUPLICATE KEY UPDATE data = VALUES(data), \
                 created_at = IF(generation = 0 AND (seen_at > VALUES(seen_at) \
                     OR (seen_at = VALUES(seen_at) AND created_at > VALUES(created_at))), created_at, VALUES(created_at)), \
                 seen_at = IF(generation = 0, GREATEST(seen_at, VALUES(seen_at)), VALUES(seen_at)), \
                 expires_at = IF(generation = 0, GREATEST(expires_at, VALUES(expires_at)), VALUES(expires_at)), \
                 generation = 0, subject = NULL, label = NULL",
            ),
            _ => (
                " AS present",
                "ON CONFLICT (id) DO UPDATE SET data = excluded.data, created_at = excluded.created_at, \
                 seen_at = excluded.seen_at, expires_at = excluded.expires_at, \
                 generation = 0, subject = NULL, label = NULL \
                 WHERE present.generation > 0 OR present.seen_at < excluded.seen_at \
                 OR (present.seen_at = excluded.seen_at AND present.created_at <= excluded.created_at)",
            ),
        };
        self.sql(&format!(
            "INSERT INTO {{table}}{alias} \
             (id, generation, subject, label, created_at, lifetime_s, data, seen_at, expires_at) VALUES {rows} {conflict}"
        ))
    }

    fn sql(&self, text: &str) -> String {
        numbered(self.backend, &text.replace("{table}", &self.table))
    }
}

/// Replaces `?` by PostgreSQL's `$1`, `$2`, …
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
        let insert = Statements::new(DbBackend::Sqlite, &Table::default()).insert;
        let columns: Vec<&str> = Column::iter().map(|column| column.as_str()).collect();
        assert!(insert.contains(&format!("({})", columns.join(", "))), "{insert}");
    }

    #[test]
    fn every_text_has_the_tables_name() {
        for backend in [DbBackend::Sqlite, DbBackend::Postgres, DbBackend::MySql] {
            let table = Table::new("auth.order").unwrap_or_default();
            let sql = Statements::new(backend, &table);
            let made = [sql.load_many(2), sql.end_many(2)];
            let fixed = [&sql.load, &sql.insert, &sql.update, &sql.touch, &sql.end_at, &sql.delete_expired, &sql.list];
            let ends = [&sql.end_all, &sql.end_all_but, &sql.end_only, &sql.over, &sql.ended_since];
            for text in fixed.into_iter().chain(ends).chain(&made) {
                assert!(text.contains(&table.quoted(backend)) && !text.contains('{'), "{text}");
            }
        }
    }
}
