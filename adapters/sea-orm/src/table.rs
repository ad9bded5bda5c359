//! The table's name.

use std::{error::Error, fmt, str::FromStr};

use sea_orm::{
    DbBackend, EntityName,
    sea_query::{Alias, IntoTableRef, TableRef},
};

/// The names of the indexes and of the migrations' table are up to 11 characters longer than the table's; PostgreSQL cuts names
/// at 63 bytes.
const MAX_LENGTH: usize = 52;

/// The table that keeps the sessions: by default `waxseal_sessions`.
///
/// Applications that share a database need one table each: in a shared table the sessions of a user "1" are listed and ended by
/// both.
///
/// ```
/// use waxseal_sea_orm::Table;
///
/// let table = Table::new("shop_sessions")?;
/// let in_a_schema = Table::new("auth.shop_sessions")?;
/// assert_eq!((in_a_schema.schema(), in_a_schema.name()), (Some("auth"), "shop_sessions"));
/// assert!(Table::new("shop sessions").is_err());
/// # Ok::<(), waxseal_sea_orm::TableNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    schema: Option<String>,
    name: String,
}

impl Table {
    /// A table with this name. A schema may precede the name, separated by a dot.
    ///
    /// Both may have lower-case ASCII letters, digits and `_`, and must not begin with a digit; together they have at most 52
    /// characters. These names are the same in every database, quoted or not. The schema (in MySQL a database, in SQLite an
    /// attached one) must exist.
    pub fn new(name: &str) -> Result<Self, TableNameError> {
        let (schema, table) = match name.split_once('.') {
            Some((schema, table)) => (Some(schema), table),
            None => (None, name),
        };
        if name.len() <= MAX_LENGTH && is_name(table) && schema.is_none_or(is_name) {
            Ok(Self { schema: schema.map(String::from), name: table.into() })
        } else {
            Err(TableNameError(name.into()))
        }
    }

    /// The table of an entity that [`entity!`](crate::entity!) made.
    pub fn of<E: EntityName>(entity: E) -> Result<Self, TableNameError> {
        match entity.schema_name() {
            Some(schema) => Self::new(&format!("{schema}.{}", entity.table_name())),
            None => Self::new(entity.table_name()),
        }
    }

    /// The table's name, without its schema.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The schema, if one was chosen.
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// The name, quoted for this database, for your own SQL.
    pub fn quoted(&self, backend: DbBackend) -> String {
        let quote = if backend == DbBackend::MySql { '`' } else { '"' };
        match &self.schema {
            Some(schema) => format!("{quote}{schema}{quote}.{quote}{}{quote}", self.name),
            None => format!("{quote}{}{quote}", self.name),
        }
    }
}

#[cfg_attr(not(feature = "migration"), allow(dead_code))]
impl Table {
    /// The name for a statement of `sea_query`.
    pub(crate) fn reference(&self) -> TableRef {
        match &self.schema {
            Some(schema) => (Alias::new(schema), Alias::new(&self.name)).into_table_ref(),
            None => Alias::new(&self.name).into_table_ref(),
        }
    }

    /// Schema and name in the form that other names contain.
    pub(crate) fn flat(&self) -> String {
        self.to_string().replace('.', "_")
    }
}

impl Default for Table {
    /// The table `waxseal_sessions`.
    fn default() -> Self {
        Self { schema: None, name: "waxseal_sessions".into() }
    }
}

impl FromStr for Table {
    type Err = TableNameError;

    fn from_str(name: &str) -> Result<Self, TableNameError> {
        Self::new(name)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// A table name was refused. The text says what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableNameError(String);

impl fmt::Display for TableNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} cannot be the name of the session table: use lower-case letters, digits and underscores, not a digit first, \
             at most {MAX_LENGTH} characters, with a schema as in \"auth.shop_sessions\"",
            self.0
        )
    }
}

impl Error for TableNameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["a", "_a1", "shop_sessions", "auth.shop_sessions", "order", &"a".repeat(52)] {
            assert_eq!(Table::new(good).map(|table| table.to_string()).as_deref(), Ok(good));
        }
        let bad = ["", ".", "a.", ".a", "a.b.c", "1a", "A", "ä", "a-b", "a b", "a\"b", "a;--", "a\0", &"a".repeat(53)];
        for bad in bad {
            assert!(Table::new(bad).unwrap_err().to_string().contains("lower-case letters"), "{bad}");
        }
    }

    #[test]
    fn names_are_quoted_as_each_database_does() {
        let table = Table::new("auth.order").unwrap();
        assert_eq!(table.quoted(DbBackend::Postgres), r#""auth"."order""#);
        assert_eq!(table.quoted(DbBackend::MySql), "`auth`.`order`");
        assert_eq!(Table::default().quoted(DbBackend::Sqlite), r#""waxseal_sessions""#);
        assert_eq!(Table::of(crate::Entity), Ok(Table::default()));
    }
}
