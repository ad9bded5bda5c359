//! What real databases say, and what the store makes of it. Their drivers' errors are read by their form: this is where a change
//! of it shows.

use std::{env, time::Duration};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, TransactionTrait};
use waxseal_conformance::{Bench, Framework, StoreKind};
use waxseal_http::{Clock, Row, RowId, Store, StoreError, SystemClock, Update};
use waxseal_sea_orm::{Fate, SeaOrmStore};

use waxseal_conformance::on_every_database;

use crate::outage::Cable;

on_every_database! {
    a_deadlock_is_rolled_back
    a_lock_that_is_not_given_is_rolled_back
    a_database_that_takes_no_writes_is_tried_again
    what_is_wrong_fails_at_once
}

fn row(n: u8) -> Row {
    let now = SystemClock.now();
    Row {
        id: RowId::from_bytes([n; 16]),
        generation: 1,
        subject: None,
        label: None,
        created_at: now,
        lifetime_s: 3600,
        seen_at: now.whole_seconds(),
        expires_at: now.plus_seconds(600),
        data: vec![n],
    }
}

fn update(n: u8) -> Update<'static> {
    Update { id: row(n).id, generation: 1, now: SystemClock.now(), data: b"new", label: None, touch: None }
}

async fn a_deadlock_is_rolled_back(db: &DatabaseConnection) {
    if db.get_database_backend() == DbBackend::Sqlite {
        return;
    }
    let store = SeaOrmStore::new(db.clone());
    for n in [1, 2] {
        store.insert(row(n)).await.unwrap();
    }
    let (one, two) = (db.begin().await.unwrap(), db.begin().await.unwrap());
    store.on(&one).update(update(1)).await.unwrap();
    store.on(&two).update(update(2)).await.unwrap();
    let (on_one, on_two) = (store.on(&one), store.on(&two));
    let (first, second) = tokio::join!(
        async {
            let first = on_one.update(update(2)).await;
            if first.is_err() {
                // The other goes on as soon as this one is gone.
                db_rollback(&one).await;
            }
            first
        },
        async {
            let second = on_two.update(update(1)).await;
            if second.is_err() {
                db_rollback(&two).await;
            }
            second
        }
    );
    let error = first.and(second).unwrap_err();
    assert_eq!(Fate::of(&error), Fate::RolledBack, "{error:?}");
}

async fn db_rollback(connection: &impl ConnectionTrait) {
    connection.execute_unprepared("ROLLBACK").await.unwrap();
}

async fn a_lock_that_is_not_given_is_rolled_back(db: &DatabaseConnection) {
    let store = SeaOrmStore::new(db.clone());
    store.insert(row(1)).await.unwrap();
    let (holder, waiter) = (db.begin().await.unwrap(), db.begin().await.unwrap());
    let soon = match db.get_database_backend() {
        DbBackend::Postgres => "SET LOCAL lock_timeout = '50ms'",
        DbBackend::MySql => "SET SESSION innodb_lock_wait_timeout = 1",
        _ => "PRAGMA busy_timeout = 50",
    };
    waiter.execute_unprepared(soon).await.unwrap();
    store.on(&holder).update(update(1)).await.unwrap();
    let error = store.on(&waiter).update(update(1)).await.unwrap_err();
    assert_eq!(Fate::of(&error), Fate::RolledBack, "{error:?}");
    assert!(matches!(error, StoreError::Backend(_)));
    waiter.rollback().await.unwrap();
    // The store itself tries again, until the lock is free.
    let saved = tokio::spawn({
        let store = store.clone();
        async move { store.update(update(1)).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    holder.rollback().await.unwrap();
    assert!(saved.await.unwrap().unwrap());
}

/// A standby, or a primary of before a failover: another connection may lead to the new one.
async fn a_database_that_takes_no_writes_is_tried_again(db: &DatabaseConnection) {
    let (stop, go) = match db.get_database_backend() {
        DbBackend::Postgres => ("SET default_transaction_read_only = on", "SET default_transaction_read_only = off"),
        DbBackend::MySql => ("SET SESSION TRANSACTION READ ONLY", "SET SESSION TRANSACTION READ WRITE"),
        // SQLite's file would stay as it is.
        _ => return,
    };
    let transaction = db.begin().await.unwrap();
    let store = SeaOrmStore::new(db.clone());
    transaction.execute_unprepared(stop).await.unwrap();
    transaction.execute_unprepared("COMMIT").await.unwrap();
    transaction.execute_unprepared("BEGIN").await.unwrap();
    let error = store.on(&transaction).insert(row(1)).await.unwrap_err();
    assert_eq!(Fate::of(&error), Fate::RolledBack, "{error:?}");
    transaction.execute_unprepared("ROLLBACK").await.unwrap();
    transaction.execute_unprepared(go).await.unwrap();
}

async fn what_is_wrong_fails_at_once(db: &DatabaseConnection) {
    let store = SeaOrmStore::new(db.clone());
    db.execute_unprepared("ALTER TABLE waxseal_sessions RENAME TO away").await.unwrap();
    let begun = std::time::Instant::now();
    let error = store.insert(row(1)).await.unwrap_err();
    assert_eq!(Fate::of(&error), Fate::Failed, "{error:?}");
    assert!(begun.elapsed() < Duration::from_millis(500));
    db.execute_unprepared("ALTER TABLE away RENAME TO waxseal_sessions").await.unwrap();
}

/// The connection breaks while a statement runs: nobody knows whether it took effect.
async fn a_lost_connection_is_told_as_unknown(kind: StoreKind, name: &str, url: &str) {
    let Ok(url) = env::var(url) else { return };
    let Some(bench) = Bench::open(kind, Framework::Engine, name).await else { return };
    let db = bench.db().unwrap();
    let server = url.split('@').next_back().unwrap().split('/').next().unwrap().to_owned();
    let cable = Cable::plug(server.clone()).await;
    let url = url.replace(&server, &cable.address);
    let mut options = match kind {
        StoreKind::Postgres => ConnectOptions::new(url),
        _ => ConnectOptions::new(format!("{}/waxseal_{name}", url.rsplit_once('/').unwrap().0)),
    };
    options.max_connections(2).acquire_timeout(Duration::from_secs(1));
    if kind == StoreKind::Postgres {
        options.set_schema_search_path(format!("waxseal_{name}"));
    }
    let store = SeaOrmStore::new(Database::connect(options).await.unwrap());
    store.insert(row(1)).await.unwrap();
    let holder = db.begin().await.unwrap();
    SeaOrmStore::new(db.clone()).on(&holder).update(update(1)).await.unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.update(update(1)).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    cable.cut().await;
    let error = waiting.await.unwrap().unwrap_err();
    assert!(matches!(error, StoreError::Unknown(_)), "{error:?}");
    assert_eq!(Fate::of(&error), Fate::Unknown);
    // Without a connection nothing is sent, and so nothing is unknown.
    let error = store.insert(row(2)).await.unwrap_err();
    assert!(matches!(error, StoreError::Backend(_)), "{error:?}");
    assert!(matches!(store.load(waxseal_http::Wanted::newest(row(1).id)).await, Err(StoreError::Backend(_))));
    holder.rollback().await.unwrap();
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_to_postgresql() {
    a_lost_connection_is_told_as_unknown(StoreKind::Postgres, "lost_postgres", "WAXSEAL_TEST_POSTGRES_URL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_to_mariadb() {
    a_lost_connection_is_told_as_unknown(StoreKind::MariaDb, "lost_mariadb", "WAXSEAL_TEST_MYSQL_URL").await;
}
