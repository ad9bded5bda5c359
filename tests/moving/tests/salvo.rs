//! From salvo-session, with its cookie store and with a SQL store.

#![allow(missing_docs, clippy::unwrap_used)]

use waxseal::{Keyring, RootKey, testing::TestClock};
use waxseal_moving::{
    apps::{salvo_cookie, salvo_stored},
    db::Db,
    people::{Move, Old, everybody_stays_signed_in},
    site::App,
    stores::saysion::SqlStore,
};

const SECRET: &[u8; 64] = b"a secret of salvo-session, which must have sixty-four bytes.....";

/// Only the hoop is replaced.
#[tokio::test(flavor = "multi_thread")]
async fn from_the_cookie_store() {
    let (keyring, clock) = (Keyring::new([RootKey::generate().unwrap()]).unwrap(), TestClock::new());
    let db = Db::sqlite().await;
    let sessions = salvo_cookie::adopt::sessions(keyring, db.connection.clone(), SECRET);
    let sessions = sessions.clock(clock.clone()).build().unwrap();
    let before = App::salvo(salvo_cookie::before(SECRET));
    let after = App::salvo(salvo_cookie::after(sessions.clone()));
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

async fn from_a_sql_store(db: Db) {
    let (keyring, clock) = (Keyring::new([RootKey::generate().unwrap()]).unwrap(), TestClock::new());
    let connection = db.connection.clone();
    let before = App::salvo(salvo_stored::before::app(SqlStore::new(connection.clone()).await, SECRET));
    let sessions = salvo_stored::adopt::sessions(keyring, connection.clone(), SECRET);
    let sessions = sessions.clock(clock.clone()).build().unwrap();
    let after = App::salvo(salvo_stored::after::app(sessions.clone()));
    let old = Old::Rows("saysion_sessions");
    everybody_stays_signed_in(Move { before, after, sessions, clock, db: connection, cookie: "salvo.session.id", old })
        .await;
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_sql_store_on_sqlite() {
    from_a_sql_store(Db::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_sql_store_on_postgres() {
    let Some(db) = Db::postgres("salvo").await else { return };
    from_a_sql_store(db).await;
}
