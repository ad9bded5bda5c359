//! PostgreSQL whose network breaks at COMMIT, whose primary turns read-only, and with a standby that is read from.

#![allow(missing_docs, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use sea_orm_migration::MigratorTrait;
use waxseal_clusters::{Fault, PostgresPair, Proxy};
use waxseal_conformance::{Client, keyring};
use waxseal_http::Sessions;
use waxseal_sea_orm::{Migrator, SeaOrmStore, failover};

const CUTS: u32 = 150;

/// How many lines are cut at the same time: the waits that settle a COMMIT add up.
const LINES: u32 = 5;
const VISITS: u32 = 1000;

async fn connect(port: u16, set: impl FnOnce(&mut ConnectOptions)) -> DatabaseConnection {
    let mut options = ConnectOptions::new(format!("postgres://postgres@127.0.0.1:{port}/postgres"));
    options.max_connections(8).sqlx_logging(false);
    set(&mut options);
    Database::connect(options).await.unwrap()
}

/// A renewal whose connection breaks at its COMMIT: the old cookie is good, or the new one was sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_cut_is_settled() {
    let Some(pair) = PostgresPair::start().await else { return };
    Migrator::up(&connect(pair.primary.port, |_| {}).await, None).await.unwrap();
    let lines: Vec<_> = (0..LINES).map(|_| tokio::spawn(cut_commits(pair.primary.port))).collect();
    let (mut sent, mut kept) = (0, 0);
    for line in lines {
        let (sent_here, kept_here) = line.await.unwrap();
        sent += sent_here;
        kept += kept_here;
    }
    println!("of {CUTS} COMMITs that were cut, {sent} sent the new cookie and {kept} kept the old one");
    assert_eq!(sent + kept, CUTS);
}

/// Cuts COMMITs on a line of its own; tells how many sent the new cookie, and how many kept the old one.
async fn cut_commits(port: u16) -> (u32, u32) {
    let proxy = Proxy::to(port).await;
    let store = SeaOrmStore::new(connect(proxy.port, |_| {}).await);
    let sessions = Sessions::builder(keyring(), store).build().unwrap();
    let (mut sent, mut kept) = (0, 0);
    for round in 0..CUTS / LINES {
        let mut browser = Client::new(&sessions);
        browser.sign_in("ada").await.unwrap();
        let before = browser.clone();
        proxy.arm(Fault::CutAtCommit { delivered: round % 2 == 0 });
        let renewed = browser
            .request(async |session| {
                session.renew();
                Ok(())
            })
            .await;
        assert!(proxy.has_struck(), "round {round}: no COMMIT was seen");
        match renewed {
            Ok(()) => {
                assert_eq!(browser.subject().await.unwrap().as_deref(), Some("ada"), "round {round}: the new cookie");
                assert_eq!(before.clone().subject().await.unwrap(), None, "round {round}: the old cookie");
                sent += 1;
            }
            Err(error) => {
                let old = before.clone().subject().await.unwrap();
                assert_eq!(old.as_deref(), Some("ada"), "round {round}: {error}, and the old cookie is dead");
                kept += 1;
            }
        }
    }
    (sent, kept)
}

/// A pair behind a proxy, and a signed-in client of a pool that follows a failover.
async fn behind_a_proxy() -> Option<(PostgresPair, Proxy, Client)> {
    let pair = PostgresPair::start().await?;
    let proxy = Proxy::to(pair.primary.port).await;
    let db = connect(proxy.port, |options| {
        failover::postgres(options);
    })
    .await;
    Migrator::up(&db, None).await.unwrap();
    let sessions = Sessions::builder(keyring(), SeaOrmStore::new(db)).build().unwrap();
    let mut browser = Client::new(&sessions);
    browser.sign_in("ada").await.unwrap();
    Some((pair, proxy, browser))
}

/// The old primary stays up, read-only, and the address leads to the new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_turns_read_only_is_left() {
    let Some((pair, proxy, mut browser)) = behind_a_proxy().await else { return };
    tokio::time::sleep(Duration::from_millis(500)).await;
    pair.primary.execute("ALTER SYSTEM SET default_transaction_read_only = on").await;
    pair.primary.execute("SELECT pg_reload_conf()").await;
    pair.standby.promote();
    proxy.point_to(pair.standby.port);
    let from = Instant::now();
    let mut failed = 0;
    for n in 0.. {
        match browser.request(async |session| session.insert("n", n)).await {
            Ok(()) => break,
            Err(_) => failed += 1,
        }
        assert!(from.elapsed() < Duration::from_secs(10), "no write within 10 s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("writes succeed on the new primary after {:?} and {failed} answers of 503", from.elapsed());
    assert_eq!(browser.subject().await.unwrap().as_deref(), Some("ada"));
}

/// A server that vanishes without a word, with statements under way: the pool comes back by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_vanishes_is_left() {
    let Some((_pair, proxy, mut browser)) = behind_a_proxy().await else { return };
    proxy.vanish(&mut browser, Duration::from_secs(30)).await;
}

/// A replica 100 ms behind: nobody is signed out, and own writes are always read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_behind_signs_nobody_out() {
    let Some(pair) = PostgresPair::start().await else { return };
    pair.standby.execute("ALTER SYSTEM SET recovery_min_apply_delay = '100ms'").await;
    pair.standby.execute("SELECT pg_reload_conf()").await;
    let primary = connect(pair.primary.port, |_| {}).await;
    Migrator::up(&primary, None).await.unwrap();
    let replica = connect(pair.standby.port, |_| {}).await;
    let store = SeaOrmStore::new(primary).with_replica(replica);
    let sessions = Sessions::builder(keyring(), store).build().unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let visiting: Vec<_> = (0..20)
        .map(|n| {
            let sessions = sessions.clone();
            tokio::spawn(async move {
                for visit in 0..VISITS / 20 {
                    let subject = format!("user-{n}-{visit}");
                    let mut browser = Client::new(&sessions);
                    browser.sign_in(&subject).await.unwrap();
                    browser.request(async |session| session.insert("n", 1)).await.unwrap();
                    let seen = browser
                        .request(async |session| Ok((session.subject().await?, session.get::<i32>("n").await?)))
                        .await
                        .unwrap();
                    assert_eq!(seen, (Some(subject), Some(1)));
                    let copy = browser.clone();
                    browser.sign_out().await.unwrap();
                    if visit % 10 == 0 {
                        // Others see it within the bound.
                        tokio::time::sleep(Duration::from_millis(1000)).await;
                        assert_eq!(copy.clone().subject().await.unwrap(), None);
                    }
                }
            })
        })
        .collect();
    for visitor in visiting {
        visitor.await.unwrap();
    }
    println!("{VISITS} visits: nobody was signed out, own writes were always read");
}
