//! Signing up and signing in with a password.

pub mod axum_handler;
pub mod find_user;
pub mod migrator;
pub mod poem_handler;
pub mod remember;
pub mod salvo_handler;
pub mod sign_in_page;
pub mod sign_up;
