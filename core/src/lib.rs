//! The core of waxseal: everything about a session that needs no database, no framework, no clock and no socket.
//!
//! A session is two things. The **ticket** travels in a cookie: the session secret, its times, whose session it is, the version
//! number of its row and a few claims, sealed (encrypted) or signed. The **row** is in a database: its data are encrypted with a
//! key derived from both a server key and the secret in the cookie. A stolen database is therefore useless, with or without the
//! server keys.
//!
//! ```
//! use core::time::Duration;
//! use waxseal_core::{Data, Keyring, Nonce, Protection, RootKey, Secret, Ticket, Timeouts, Timestamp};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keyring = Keyring::new([RootKey::generate()?])?;
//! let timeouts = Timeouts::new(Duration::from_secs(1800), Duration::from_secs(28_800), Duration::from_secs(60))?;
//!
//! let now = Timestamp::from_unix_seconds(1_790_000_000);
//! let ticket = Ticket::issue(Secret::random()?, now, timeouts.terms(), Some("ada"), Data::new())?;
//! let cookie = keyring.write_ticket(&ticket, "__Host-session", Protection::Sealed, Nonce::random()?)?;
//!
//! let opened = keyring.open_ticket("__Host-session", cookie.as_bytes(), now)?;
//! assert_eq!(opened.subject(), Some("ada"));
//! # Ok(())
//! # }
//! ```
//!
//! Randomness and time are arguments. The feature `getrandom` (on by default) adds the constructors that ask the operating
//! system. The wire format is [FORMAT.md](https://docs.rs/waxseal-core), version 1.

#![no_std]
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

extern crate alloc;
#[cfg(test)]
extern crate std;

mod change;
mod data;
mod edge;
mod encoding;
mod envelope;
mod feed;
mod key;
mod keyring;
mod pae;
mod random;
mod row;
mod subject;
mod subkeys;
mod terms;
mod ticket;
mod time;
mod timeouts;

pub use change::{Changes, TakeFn, UpdateFn};
pub use data::{Data, DecodeError, Mismatch, Refusal, Value, ValueError, ValueKind, from_value, to_value};
pub use edge::EdgeKeys;
pub use envelope::{OpenError, Protection, SealError};
pub use feed::{Feed, Standing};
pub use key::{KeyError, KeyId, RootKey};
pub use keyring::Keyring;
#[cfg(feature = "getrandom")]
pub use random::RandomError;
pub use random::{Nonce, Secret};
pub use row::{RowContext, RowError, RowId};
pub use subject::{MAX_SUBJECT_BYTES, SubjectError, check_subject};
pub use terms::Terms;
pub use ticket::{Freshness, Ticket, TicketError};
pub use time::Timestamp;
pub use timeouts::{Timeouts, TimeoutsError};
