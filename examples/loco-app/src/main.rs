//! A Loco application with encrypted sessions in its own database: `cargo run -p waxseal-example-loco`.
//!
//! What an application of your own needs is described in `docs/loco.md`. The folder `example` has the page and the routes that
//! all examples share.

#![forbid(unsafe_code)]

mod account;
mod app;
mod error;
mod example;
mod migration;
mod sessions;
mod sweep;
#[cfg(test)]
mod tests;

#[tokio::main]
async fn main() -> loco_rs::Result<()> {
    if std::env::args().len() == 1 {
        return example::start().await;
    }
    loco_rs::cli::main::<app::App, migration::Migrator>().await
}
