//! Readers for sessions that users already have in another system, so that nobody has to sign in again.
//!
//! Each reader takes the text of a cookie, or the contents of a database row, and returns what is in it. The readers have no
//! database, no clock and no framework: the current time is an argument. None of them needs the other system's crates.
//!
//! | feature | what it reads |
//! | --- | --- |
//! | `plug` | Plug and Phoenix: session cookies, signed and encrypted cookies, `Phoenix.Token`, rows of an encrypted store |
//! | `tower-sessions` | tower-sessions: plain, signed and private cookies, records of tower-sessions-sqlx-store, axum-login |
//! | `poem` | Poem: `CookieSession`, `ServerSession`, the table of poem-dbsession |
//! | `engine` | makes adopters of the readers, for `SessionsBuilder::adopt` |
//! | `salvo` | salvo-session: its cookies, its cookie store, and saysion's tables |
//!
//! A Rust service that only needs to know which Phoenix user makes a request needs only `plug::PlugReader`, and nothing else of
//! waxseal.

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
#[cfg(feature = "engine")]
mod engine;
mod error;
#[cfg(any(feature = "tower-sessions", feature = "salvo"))]
mod moment;
#[cfg(feature = "plug")]
pub mod plug;
#[cfg(feature = "poem")]
pub mod poem;
#[cfg(any(feature = "tower-sessions", feature = "poem"))]
mod protection;
#[cfg(any(feature = "tower-sessions", feature = "poem", feature = "salvo"))]
mod raw;
#[cfg(feature = "salvo")]
pub mod salvo;
#[cfg(feature = "tower-sessions")]
pub mod tower_sessions;

pub use adopted::{Adopted, subject_of};
/// The key of another system's cookies: the `Key` type of the `cookie` crate. tower-sessions calls it `Key`, Poem `CookieKey`.
///
/// Make it as the other system does, with `CookieKey::from` or `CookieKey::derive_from`.
#[cfg(any(feature = "tower-sessions", feature = "poem", feature = "salvo"))]
pub use cookie::Key as CookieKey;
#[cfg(feature = "engine")]
pub use engine::{AdoptCookie, AdoptStored};
pub use error::ReadError;

/// The example of the README is a test.
#[cfg(all(doctest, feature = "plug"))]
#[doc = include_str!("../README.md")]
struct Readme;
