//! waxseal sessions for [Poem](poem): a middleware and extractors.
//!
//! ```no_run
//! use poem::{EndpointExt, Route, Server, get, handler, listener::TcpListener};
//! use waxseal_poem::{Keyring, MemoryStore, Session, SessionMiddleware, Sessions};
//!
//! #[handler]
//! async fn visits(session: Session) -> poem::Result<String> {
//!     session.update("visits", |n: Option<u64>| n.unwrap_or(0) + 1)?;
//!     Ok(format!("{:?}", session.get::<u64>("visits").await?))
//! }
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let keyring = Keyring::from_text(&std::env::var("WAXSEAL_KEYS")?)?;
//! let sessions = Sessions::builder(keyring, MemoryStore::new()).build()?;
//! let app = Route::new().at("/visits", get(visits)).with(SessionMiddleware::new(sessions));
//! Server::new(TcpListener::bind("127.0.0.1:3000")).run(app).await?;
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
mod middleware;
#[cfg(feature = "openapi")]
pub mod openapi;
#[cfg(feature = "storage")]
mod storage;

pub use error::SessionError;
pub use extract::{MaybeSignedIn, Named, Session, SignedIn, SubjectSessions, Typed};
pub use feed::EndedFeed;
pub use middleware::{SessionEndpoint, SessionMiddleware};
#[cfg(feature = "storage")]
pub use storage::PoemStorage;
pub use waxseal_http::{
    self, CommitPolicy, CookieName, CookieOptions, Data, HostedSessions, Keyring, MemoryStore, Outcome, Protection,
    RequestHead, RootKey, RowId, SameSite, SessionInfo, Sessions, Store, Times, Timestamp, TypedData,
};
