//! waxseal sessions for [Salvo](salvo_core): a hoop, and extractors.
//!
//! ```no_run
//! use salvo::prelude::*;
//! use waxseal_salvo::{Keyring, MemoryStore, Session, SessionError, SessionHoop, Sessions};
//!
//! #[handler]
//! async fn visits(session: Session) -> Result<String, SessionError> {
//!     session.update("visits", |n: Option<u64>| n.unwrap_or(0) + 1)?;
//!     Ok(format!("{:?}", session.get::<u64>("visits").await?))
//! }
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let keyring = Keyring::from_text(&std::env::var("WAXSEAL_KEYS")?)?;
//! let sessions = Sessions::builder(keyring, MemoryStore::new()).build()?;
//! let router = Router::with_path("visits").hoop(SessionHoop::new(sessions)).get(visits);
//! Server::new(TcpListener::new("127.0.0.1:3000").bind().await).serve(router).await;
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "compat")]
mod compat;
mod error;
mod extract;
mod feed;
mod hoop;
#[cfg(feature = "oapi")]
pub mod oapi;
#[cfg(any(feature = "compat", feature = "saysion"))]
mod saysion;
#[cfg(feature = "saysion")]
mod storage;

pub use error::SessionError;
pub use extract::{MaybeSignedIn, Named, Session, SessionDepotExt, SignedIn, SubjectSessions, Typed};
pub use feed::EndedFeed;
pub use hoop::SessionHoop;
#[cfg(feature = "saysion")]
pub use storage::SaysionStore;
pub use waxseal_http::{
    self, CommitPolicy, CookieName, CookieOptions, Data, HostedSessions, Keyring, MemoryStore, Outcome, Protection,
    RequestHead, RootKey, RowId, SameSite, SessionInfo, Sessions, Store, Times, Timestamp, TypedData,
};
