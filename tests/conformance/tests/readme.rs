//! The README's code, compiled: every line of its Rust blocks stands in this file.

#![allow(missing_docs, dead_code)]

use std::error::Error;
use std::time::Duration;

use poem::{EndpointExt, Route, Server, get, handler, listener::TcpListener};
use sea_orm::Database;
use sea_orm_migration::MigratorTrait;
use waxseal_poem::{Keyring, Session, SessionMiddleware, Sessions, SignedIn};
use waxseal_sea_orm::{Migrator, SeaOrmStore, Sweeper};

async fn ten_lines() -> Result<(), Box<dyn Error>> {
    let keyring = Keyring::from_text(&std::env::var("WAXSEAL_KEYS")?)?;
    let db = Database::connect(&std::env::var("DATABASE_URL")?).await?;
    Migrator::up(&db, None).await?;
    let store = SeaOrmStore::new(db);
    let _sweeper = Sweeper::new(store.clone()).spawn();
    let sessions = Sessions::builder(keyring, store)
        .idle_timeout(Duration::from_secs(30 * 60))
        .lifetime(Duration::from_secs(8 * 3600))
        .build()?;
    let app = Route::new().at("/visits", get(visits)).with(SessionMiddleware::new(sessions));
    Server::new(TcpListener::bind("127.0.0.1:3000")).run(app).await?;
    Ok(())
}

#[handler]
async fn visits(session: Session) -> poem::Result<String> {
    session.update("visits", |n: Option<u64>| n.unwrap_or(0) + 1)?;
    Ok(format!("{:?}", session.get::<u64>("visits").await?))
}

#[handler]
async fn account(SignedIn { subject, session }: SignedIn) -> poem::Result<String> {
    let devices = session.list().await?.len();
    Ok(format!("{subject} on {devices} devices"))
}

#[test]
fn the_readmes_code_compiles() {
    let (readme, this) = (include_str!("../../../README.md"), include_str!("readme.rs"));
    let mut lines = 0;
    for block in readme.split("```rust\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        for line in block.lines() {
            let code = line.split("//").next().unwrap_or_default().trim();
            // `"http://…"` would be cut; there is none.
            assert!(this.lines().any(|mine| mine.trim() == code), "not compiled here: {code}");
            lines += 1;
        }
    }
    assert!(lines > 20, "{lines}");
}
