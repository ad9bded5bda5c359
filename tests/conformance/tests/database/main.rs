//! The SeaORM store as an application has it, on every database of this machine.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod cache;
mod fate;
mod isolation;
mod migrations;
mod outage;
mod sqlite;
mod store;
mod sweeper;
mod tables;
