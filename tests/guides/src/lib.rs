//! The code of the guides in `docs/`: every example compiles, and those that can run do. The recipes whose behaviour matters are
//! modules here, word for word as the pages show them, and `tests/` has their tests.

#![forbid(unsafe_code)]
#![allow(missing_docs, unreachable_pub)]

pub mod error;
mod pages;
pub mod recipes;
pub mod user;
