//! The entity of the table `waxseal_sessions`: query it, join it, migrate it with your own.
//!
//! Read the table freely, but write only through [`SeaOrmStore`](crate::SeaOrmStore), which keeps the rules: a row that is
//! changed by hand does not open, and its session is lost. To end sessions with your own query, delete rows: that is always safe.
//! Make the table with [`Migration`](crate::Migration), which has the details of each database, rather than from the entity: on
//! MySQL the entity alone makes a table without indexes, for smaller data.
//!
//! Join your users by the subject:
//!
//! ```
//! mod user {
//!     use sea_orm::entity::prelude::*;
//!
//!     #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
//!     #[sea_orm(table_name = "users")]
//!     pub struct Model {
//!         #[sea_orm(primary_key, auto_increment = false)]
//!         pub name: String,
//!     }
//!
//!     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
//!     pub enum Relation {}
//!
//!     impl ActiveModelBehavior for ActiveModel {}
//!
//!     impl Related<waxseal_sea_orm::Entity> for Entity {
//!         fn to() -> RelationDef {
//!             Entity::belongs_to(waxseal_sea_orm::Entity).from(Column::Name).to(waxseal_sea_orm::Column::Subject).into()
//!         }
//!     }
//! }
//!
//! use sea_orm::{DbBackend, EntityTrait, QueryFilter, QueryTrait, ColumnTrait};
//!
//! let signed_in = user::Entity::find().inner_join(waxseal_sea_orm::Entity);
//! let sql = signed_in.filter(waxseal_sea_orm::Column::Label.eq("Firefox on Linux")).build(DbBackend::Postgres).to_string();
//! assert!(sql.contains(r#"INNER JOIN "waxseal_sessions" ON "users"."name" = "waxseal_sessions"."subject""#));
//! ```

//!
//! For a table with another name, [`entity!`](crate::entity!) makes a module like this one.

/// Makes a module like [`entity`](mod@crate::entity) for a session table with another name.
///
/// Your crate needs `sea_orm` with the features `macros`, `with-uuid` and `with-chrono`. A schema may precede the name.
///
/// ```
/// waxseal_sea_orm::entity!(pub mod shop_session = "shop_sessions");
/// waxseal_sea_orm::entity!(mod staff_session = "staff"."shop_sessions");
///
/// use sea_orm::{ColumnTrait, DbBackend, EntityTrait, QueryFilter, QueryTrait};
/// use waxseal_sea_orm::Table;
///
/// let sql = shop_session::Entity::find().filter(shop_session::Column::Subject.eq("ada")).build(DbBackend::Sqlite).to_string();
/// assert!(sql.contains(r#"FROM "shop_sessions" WHERE "shop_sessions"."subject" = 'ada'"#));
/// // The store's table, from the one place that has its name:
/// assert_eq!(Table::of(shop_session::Entity), Table::new("shop_sessions"));
/// assert_eq!(Table::of(staff_session::Entity), Table::new("staff.shop_sessions"));
/// ```
#[macro_export]
macro_rules! entity {
    ($(#[$meta:meta])* $visibility:vis mod $module:ident = $name:tt) => {
        $(#[$meta])*
        $visibility mod $module {
            $crate::entity!(@table table_name = $name);
        }
    };
    ($(#[$meta:meta])* $visibility:vis mod $module:ident = $schema:tt.$name:tt) => {
        $(#[$meta])*
        $visibility mod $module {
            $crate::entity!(@table schema_name = $schema, table_name = $name);
        }
    };
    (@table $($table:tt)*) => {
        use sea_orm::{
            entity::prelude::*,
            prelude::{ChronoUnixTimestamp, ChronoUnixTimestampMillis},
        };

        /// A session's row, or the tombstone of one that was ended (generation 0). Only `data` are secret, and they are sealed.
        #[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm($($table)*)]
        pub struct Model {
            /// The row id: a UUID of version 7, derived one-way from the session secret. It gives no access to the session.
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: Uuid,
            /// The row's version number, for compare-and-swap; the first is 1. A row with 0 is a tombstone: its session was ended
            /// at `seen_at`. A tombstone has no subject and no data, and can be swept after 15 minutes.
            pub generation: i64,
            /// Whose session it is. Null before sign-in.
            #[sea_orm(column_type = "String(StringLen::N(255))")]
            pub subject: Option<String>,
            /// A device's name for the list of sessions.
            #[sea_orm(column_type = "String(StringLen::N(255))")]
            pub label: Option<String>,
            /// When the session was created, or last signed in. An integer: milliseconds since the Unix epoch.
            pub created_at: ChronoUnixTimestampMillis,
            /// The lifetime, in seconds.
            pub lifetime_s: i64,
            /// When the session was last used, as recorded by touches. An integer: seconds since the Unix epoch.
            pub seen_at: ChronoUnixTimestamp,
            /// The idle expiry, never past the end of the lifetime. An integer: seconds since the Unix epoch.
            pub expires_at: ChronoUnixTimestamp,
            /// The sealed (or signed) data.
            #[sea_orm(column_type = "Blob")]
            pub data: Vec<u8>,
        }

        impl ::std::fmt::Debug for Model {
            /// Without the data: signed ones can be read.
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct("Model")
                    .field("id", &self.id)
                    .field("generation", &self.generation)
                    .field("subject", &self.subject)
                    .field("label", &self.label)
                    .field("created_at", &self.created_at)
                    .field("lifetime_s", &self.lifetime_s)
                    .field("seen_at", &self.seen_at)
                    .field("expires_at", &self.expires_at)
                    .field("data", &format_args!("{} bytes", self.data.len()))
                    .finish()
            }
        }

        /// It has no relations of its own: relate your entities to it by `subject`.
        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}
    };
}

entity!(@table table_name = "waxseal_sessions");
