//! From tower-sessions, on SQLite and on PostgreSQL.

#![allow(missing_docs, clippy::unwrap_used)]

use waxseal::{Keyring, RootKey, testing::TestClock};
use waxseal_moving::{
    apps::tower_sessions::{adopt, after, before},
    db::Db,
    people::{Move, Old, everybody_stays_signed_in},
    site::App,
};

async fn from_tower_sessions(db: Db, table: &'static str) {
    let (keyring, clock) = (Keyring::new([RootKey::generate().unwrap()]).unwrap(), TestClock::new());
    let connection = db.connection.clone();
    let before = App::axum(before::app(connection.clone()).await);
    let sessions = adopt::sessions(keyring, connection.clone()).clock(clock.clone()).build().unwrap();
    let after = App::axum(after::app(sessions.clone()));
    let old = Old::Rows(table);
    everybody_stays_signed_in(Move { before, after, sessions, clock, db: connection, cookie: "id", old }).await;
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    from_tower_sessions(Db::sqlite().await, "tower_sessions").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    let Some(db) = Db::postgres("tower_sessions").await else { return };
    from_tower_sessions(db, "tower_sessions.session").await;
}
