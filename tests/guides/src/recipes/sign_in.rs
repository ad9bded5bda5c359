//! Signing in with a password, in each framework.

pub mod axum_handler;
pub mod find_user;
pub mod poem_handler;
pub mod salvo_handler;
