//! The application on two nodes of a Galera cluster, one of which lags.

#![allow(missing_docs)]

waxseal_blackbox::on_galera!(env!("CARGO_BIN_EXE_waxseal-example-axum"));
