//! What the recipes of `docs/cookbook/` promise, tried through axum.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod account;
mod browser;
mod csrf;
mod database;
mod flash;
mod guards;
mod limits;
mod pages;
mod passwords;
mod sign_in;
mod sign_up;
mod socket;
mod streams;
mod sudo;
mod support;
