//! The check of where a request comes from, in each framework.

pub mod axum_guard;
pub mod poem_guard;
pub mod salvo_guard;
