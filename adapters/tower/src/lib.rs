//! waxseal sessions for [tower](tower_layer): a layer over `http` requests and responses with any body, and so for axum, hyper
//! and tonic.
//!
//! The handler finds its session in the request's extensions. With the feature `axum`, handlers take it as an argument: the
//! session, a typed view, or a guard for who is signed in.
//!
#![cfg_attr(feature = "axum", doc = "```no_run")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use axum::{Router, routing::get};
//! use waxseal_tower::{Keyring, MemoryStore, Session, SessionError, SessionLayer, Sessions};
//!
//! async fn visits(session: Session) -> Result<String, SessionError> {
//!     session.update("visits", |n: Option<u64>| n.unwrap_or(0) + 1)?;
//!     Ok(format!("{:?}", session.get::<u64>("visits").await?))
//! }
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let keyring = Keyring::from_text(&std::env::var("WAXSEAL_KEYS")?)?;
//! let sessions = Sessions::builder(keyring, MemoryStore::new()).build()?;
//! let app = Router::new().route("/visits", get(visits)).layer(SessionLayer::new(sessions));
//! axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?;
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "aide")]
pub mod aide;
#[cfg(feature = "axum")]
mod error;
#[cfg(feature = "axum")]
mod extract;
#[cfg(feature = "axum")]
mod feed;
mod layer;
mod page;
#[cfg(any(feature = "tower-sessions-014", feature = "tower-sessions-015"))]
mod storage;

#[cfg(feature = "axum")]
pub use error::SessionError;
#[cfg(feature = "axum")]
pub use extract::{MaybeSignedIn, Named, Session, SignedIn, SubjectSessions, Typed};
#[cfg(feature = "axum")]
pub use feed::EndedFeed;
pub use layer::{SessionFuture, SessionLayer, SessionService};
pub use page::{EmptyPage, FailurePage, Page};
#[cfg(feature = "tower-sessions-014")]
pub use storage::v0_14::TowerSessionsStore as TowerSessionsStore014;
#[cfg(feature = "tower-sessions-015")]
pub use storage::v0_15::TowerSessionsStore as TowerSessionsStore015;
pub use waxseal_http::{
    self, CommitPolicy, CookieName, CookieOptions, Data, HostedSessions, Keyring, MemoryStore, Outcome, Protection,
    RequestHead, RootKey, RowId, SameSite, SessionInfo, Sessions, Store, Times, Timestamp, TypedData,
};
