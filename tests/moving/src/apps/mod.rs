//! The applications: `before` the move, `adopt` for what takes the old sessions over, `after` it.

pub mod axum_login;
pub mod phoenix;
pub mod poem_cookie;
pub mod poem_server;
pub mod salvo_cookie;
pub mod salvo_stored;
pub mod start;
pub mod tower_sessions;
