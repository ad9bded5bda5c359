//! The engine of waxseal: encrypted, database-backed sessions over [`http::HeaderMap`], for any framework and any store.
//!
//! Two calls are all that a framework adapter makes: [`Sessions::open`] before the handler and [`Sessions::commit`] after it.
//! Between them the handler has a [`Session`]: reads are lazy (a session that nobody reads costs no database call), writes are
//! recorded as operations and applied to the newest row when they are saved, so that two requests that change different keys
//! both land.
//!
//! ```
//! use http::{HeaderMap, StatusCode, header};
//! use waxseal_http::{Keyring, MemoryStore, RootKey, Sessions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keyring = Keyring::new([RootKey::generate()?])?;
//! let sessions = Sessions::builder(keyring, MemoryStore::new()).build()?;
//!
//! let session = sessions.open(&HeaderMap::new());
//! session.sign_in("ada")?;
//! session.update("visits", |n: Option<u64>| n.unwrap_or(0) + 1)?;
//!
//! let mut response = HeaderMap::new();
//! sessions.commit(&session, StatusCode::OK, &mut response).await?;
//! assert!(response.contains_key(header::SET_COOKIE));
//! # Ok(())
//! # }
//! ```
//!
//! Saving runs on a `tokio` task of its own, so that a save once begun ends even when the client goes away: calls that save
//! need a tokio runtime.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod adapter;
mod adopt;
pub mod api_docs;
mod builder;
mod clock;
mod cookie;
mod engine;
mod error;
mod failure_page;
mod feed;
mod headers;
mod hosted;
mod installed;
mod metrics;
mod outcome;
mod queue;
mod randomness;
mod session;
mod sessions;
mod shared_caches;
mod sign_in;
mod spans;
mod store;
mod subjects;
pub mod testing;
mod tickets;
mod time;
mod told;
mod typed;
mod wait;
mod watch;

pub use adopt::{Adopt, AdoptError, Adopted, OldCookie};
pub use builder::{CommitPolicy, ConfigError, OlderRows, SessionsBuilder};
pub use clock::{Clock, SystemClock};
pub use cookie::{CookieError, CookieOptions, SameSite, cookie_values};
pub use error::SessionError;
pub use failure_page::{Failed, OnError, RequestHead, complete_page};
pub use feed::EndedFeed;
pub use hosted::{Hosted, HostedSessions};
pub use installed::{CookieName, Installed, add_headers};
pub use outcome::Outcome;
pub use session::{Session, SessionInfo, Times};
pub use sessions::Sessions;
pub use sign_in::SignIn;
pub use store::{
    ASKED_AGAIN, Admission, Found, Limit, MemoryStore, OverLimit, Page, Replicated, Row, Store, StoreError,
    TOMBSTONE_S, Touch, Update, Wanted, Which,
};
#[cfg(feature = "cache")]
pub use store::{Cached, Listening, Notice, Notices};
pub use typed::{Typed, TypedData};
pub use waxseal_core::{
    Data, EdgeKeys, KeyError, KeyId, Keyring, Mismatch, Protection, Refusal, RootKey, RowId, SubjectError, Terms,
    Timeouts, TimeoutsError, Timestamp, Value, ValueError, ValueKind, from_value, to_value,
};
