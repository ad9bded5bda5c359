//! The application as its users have it: a process, a socket, a database.

#![allow(missing_docs, clippy::unwrap_used)]

waxseal_blackbox::black_box!(env!("CARGO_BIN_EXE_waxseal-example-loco"));
