//! The rules of waxseal (`docs/rules.md`), written once and run on every store and through every framework.
//!
//! A test is a script of [`Step`]s that a [`Browser`] sends; the framework under test runs it on the request's session. Stores
//! are seen through a [`Probe`] that counts calls and can fail, delay and falsify them. Time stands still unless a test moves it.

#![forbid(unsafe_code)]
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod app;
mod browser;
mod client;
mod frameworks;
pub mod hosted;
mod probe;
pub mod rules;
mod script;
mod stores;

/// The quick start of the README is compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct QuickStart;

/// The examples of `docs/testing.md` are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/testing.md")]
pub struct TestingExamples;

/// The set-ups of `docs/more-than-one-node.md` are compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/more-than-one-node.md")]
pub struct MoreThanOneNode;

pub use app::{App, Bench, Framework, StoreKind};
pub use browser::{Browser, Response};
pub use client::{Client, keyring};
pub use frameworks::PAGES;
pub use probe::{Calls, Probe};
pub use script::{Gates, Reply, Step, interpret};
