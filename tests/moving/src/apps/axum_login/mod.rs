//! axum with axum-login, over tower-sessions.

pub mod adopt;
pub mod after;
pub mod before;
pub mod users;
