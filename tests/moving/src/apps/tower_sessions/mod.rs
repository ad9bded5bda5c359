//! axum with tower-sessions and tower-sessions-sqlx-store.

pub mod adopt;
pub mod after;
pub mod before;
pub mod store_alone;
