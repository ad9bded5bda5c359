//! Salvo with salvo-session and one of saysion's SQL stores.

pub mod adopt;
pub mod after;
pub mod before;
pub mod store_alone;
