//! The engine of waxseal: encrypted, database-backed sessions over [`http::HeaderMap`], for any framework and any store.
//!
//! A framework adapter makes only two calls: [`Sessions::open`] before the handler and [`Sessions::commit`] after it. Between
//! them the handler has a [`Session`]. Reads are lazy: a session that nobody reads costs no database call. Writes are recorded as
//! operations and applied to the newest row when they are saved, so that two requests that change different keys both take
//! effect.
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
//! A statement that saves and has to wait gets its own `tokio` task, so that it finishes even if the client goes away. Calls that
//! save need a tokio runtime.

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
#[doc(hidden)]
pub mod per_row;
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
