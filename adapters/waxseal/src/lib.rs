//! Encrypted, database-backed web sessions for Rust.
//!
//! This crate re-exports the others, so that an application has one dependency. Each part is a feature:
//!
//! | feature | module | what it is |
//! | --- | --- | --- |
//! | `poem`, `salvo`, `axum`, `tower` | the one of the same name | middleware and extractors |
//! | `sea-orm` | [`sea_orm`] | the store on SeaORM 2, with its entity and migration |
//! | `cache` | | `Cached`, a cache that hears of every sign-out on PostgreSQL |
//! | `postgres-failover`, `mysql-failover` | [`sea_orm::failover`] | a pool that follows a failover |
//! | `metrics` | | counters and durations for Prometheus, by the `metrics` crate |
//! | `openapi` | | the session cookie in the framework's API description |
//! | `poem-compat`, `salvo-compat` | | the session types of Poem and salvo-session, filled with ours |
//! | `poem-storage`, `salvo-saysion`, `tower-sessions-014`, `tower-sessions-015` | | stores for those libraries |
//! | `edge` | [`edge`] | the format alone, for an edge worker in Rust |
//! | `adopt-plug`, `adopt-tower-sessions`, `adopt-poem`, `adopt-salvo` | [`adopt`] | readers for the sessions that users already have |
//!
//! `Session`, the extractors and the middleware are in the framework's module, so that `?` in a handler returns the framework's
//! error. What all frameworks share is at the top level: [`Keyring`], [`Sessions`], [`SignIn`] and so on.
//!
//! ```no_run
//! # #[cfg(all(feature = "poem", feature = "sea-orm"))]
//! # mod example {
//! use waxseal::{
//!     Keyring, Sessions,
//!     poem::{Session, SessionMiddleware, SignedIn},
//!     sea_orm::{Migrator, SeaOrmStore, Sweeper},
//! };
//! # }
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "adopt")]
#[cfg_attr(docsrs, doc(cfg(feature = "adopt")))]
pub use waxseal_adopt as adopt;
/// The format alone: edge keys, tickets, rows and the feed of ended sessions, for an edge worker in Rust.
#[cfg(feature = "edge")]
#[cfg_attr(docsrs, doc(cfg(feature = "edge")))]
pub use waxseal_core as edge;
/// The engine, for adapters to other frameworks and for tests. Each framework's `Session` wraps its `Session`.
#[cfg(feature = "engine")]
pub use waxseal_http as engine;
#[cfg(feature = "engine")]
pub use waxseal_http::{
    Adopt, AdoptError, Adopted, Clock, CommitPolicy, ConfigError, CookieError, CookieName, CookieOptions, Data,
    EdgeKeys, Failed, HostedSessions, KeyError, KeyId, Keyring, MemoryStore, Mismatch, OldCookie, OlderRows, OnError,
    Outcome, OverLimit, Page, Protection, Refusal, Replicated, RequestHead, RootKey, RowId, SameSite, SessionInfo,
    Sessions, SessionsBuilder, SignIn, Store, StoreError, SubjectError, SystemClock, Terms, Timeouts, TimeoutsError,
    Times, Timestamp, TypedData, Value, ValueError, ValueKind, Which, from_value, testing, to_value,
};
#[cfg(feature = "cache")]
#[cfg_attr(docsrs, doc(cfg(feature = "cache")))]
pub use waxseal_http::{Cached, Listening, Notice, Notices};
#[cfg(feature = "poem")]
#[cfg_attr(docsrs, doc(cfg(feature = "poem")))]
pub use waxseal_poem as poem;
#[cfg(feature = "salvo")]
#[cfg_attr(docsrs, doc(cfg(feature = "salvo")))]
pub use waxseal_salvo as salvo;
#[cfg(feature = "sea-orm")]
#[cfg_attr(docsrs, doc(cfg(feature = "sea-orm")))]
pub use waxseal_sea_orm as sea_orm;
#[cfg(feature = "axum")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
pub use waxseal_tower as axum;
#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub use waxseal_tower as tower;
