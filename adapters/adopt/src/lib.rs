//! Readers for sessions that users already have in another system, so that nobody has to sign in again.
//!
//! Each reader takes the text of a cookie, or the contents of a database row, and returns what is in it. The readers have no
//! database, no clock and no framework: the current time is an argument. None of them needs the other system's crates.
//!
//! | feature | what it reads |
//! | --- | --- |
//! | `plug` | Plug and Phoenix: session cookies, signed and encrypted cookies, `Phoenix.Token`, rows of an encrypted store |
//!
//! A service in Rust that only needs to know who a Phoenix user is uses `plug::PlugReader` and nothing else of waxseal.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::expect_used,
        clippy::unwrap_used,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]

mod adopted;
#[cfg(feature = "plug")]
pub mod plug;

pub use adopted::{Adopted, subject_of};

/// The example of the README is a test.
#[cfg(all(doctest, feature = "plug"))]
#[doc = include_str!("../README.md")]
struct Readme;
