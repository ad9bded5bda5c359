//! From Poem's `CookieSession` and `ServerSession`.

#![allow(missing_docs, clippy::unwrap_used)]

use waxseal::{Clock, Keyring, RootKey, testing::TestClock};
use waxseal_moving::{
    apps::{poem_cookie, poem_server},
    db::Db,
    people::{Move, Old, everybody_stays_signed_in},
    site::App,
    stores::poem::SqlStorage,
};

/// Only the middleware is replaced.
#[tokio::test(flavor = "multi_thread")]
async fn from_encrypted_cookies() {
    let (keyring, clock) = (Keyring::new([RootKey::generate().unwrap()]).unwrap(), TestClock::new());
    let (db, key, until) = (Db::sqlite().await, [7; 64], clock.now().plus_seconds(7 * 24 * 3600));
    let sessions = poem_cookie::adopt::sessions(keyring, db.connection.clone(), &key, until);
    let sessions = sessions.clock(clock.clone()).build().unwrap();
    let before = App::poem(poem_cookie::before(&key));
    let after = App::poem(poem_cookie::after(sessions.clone()));
    everybody_stays_signed_in(Move {
        before,
        after,
        sessions,
        clock,
        db: db.connection.clone(),
        cookie: "shop",
        old: Old::Cookie,
    })
    .await;
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_server_sessions() {
    let (keyring, clock) = (Keyring::new([RootKey::generate().unwrap()]).unwrap(), TestClock::new());
    let db = Db::sqlite().await;
    let connection = db.connection.clone();
    let before = App::poem(poem_server::before::app(SqlStorage::new(connection.clone()).await));
    let sessions = poem_server::adopt::sessions(keyring, connection.clone()).clock(clock.clone()).build().unwrap();
    let after = App::poem(poem_server::after::app(sessions.clone()));
    let old = Old::Rows("poem_sessions");
    everybody_stays_signed_in(Move { before, after, sessions, clock, db: connection, cookie: "poem-session", old })
        .await;
    db.close().await;
}
