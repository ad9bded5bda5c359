//! Applications on other session systems are replaced by the same application on waxseal while people use them, and everybody stays
//! signed in.
//!
//! Each module of `apps` has an application as it was before the move and as it is after it. The Rust blocks of `docs/moving` are
//! taken from there: `tests/pages.rs` holds them to it.

#![forbid(unsafe_code)]
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

pub mod apps;
pub mod browser;
pub mod db;
pub mod log;
pub mod people;
pub mod shop;
pub mod site;
pub mod stores;
