//! What is SQLite's alone.

use std::time::Duration;

use http::header;
use sea_orm::{ConnectOptions, ConnectionTrait, Database};
use sea_orm_migration::MigratorTrait;
use waxseal_http::Sessions;
use waxseal_sea_orm::{Migrator, SeaOrmStore};

use waxseal_conformance::{Client, keyring};

/// With a DEFERRED read-then-write, 240 to 304 of 400 transactions failed with "database is locked".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_is_never_locked_under_32_connections() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", folder.path().join("s.sqlite").display()));
    options.max_connections(32).min_connections(32).map_sqlx_sqlite_opts(|options| {
        options.pragma("journal_mode", "WAL").pragma("synchronous", "NORMAL").busy_timeout(Duration::from_secs(30))
    });
    let db = Database::connect(options).await.unwrap();
    Migrator::up(&db, None).await.unwrap();
    let sessions = Sessions::builder(keyring(), SeaOrmStore::new(db.clone())).build().unwrap();
    let workers: Vec<_> = (0..32)
        .map(|n| {
            let mut client = Client::new(&sessions);
            tokio::spawn(async move {
                client.sign_in(&format!("user-{n}")).await.unwrap();
                for round in 0..12 {
                    client.request(async |session| session.insert("round", round)).await.unwrap();
                    client.request(async |session| session.get::<u32>("round").await).await.unwrap();
                    client
                        .request(async |session| {
                            session.renew();
                            Ok(())
                        })
                        .await
                        .unwrap();
                }
                client.request(async |session| session.get::<u32>("round").await).await.unwrap()
            })
        })
        .collect();
    for worker in workers {
        assert_eq!(worker.await.unwrap(), Some(11));
    }
    db.close().await.unwrap();
}

#[tokio::test]
async fn r05_a_copied_sqlite_file_shows_no_secret_and_no_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.sqlite");
    let db = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    Migrator::up(&db, None).await.unwrap();
    let sessions = Sessions::builder(keyring(), SeaOrmStore::new(db.clone())).build().unwrap();
    let mut client = Client::new(&sessions);
    client.sign_in("ada").await.unwrap();
    client.request(async |session| session.insert("word", "plover-xyzzy")).await.unwrap();
    db.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
    let mut bytes = Vec::new();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        bytes.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let contains = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    let cookie = client.headers[header::COOKIE].to_str().unwrap().split_once('=').unwrap().1.to_owned();
    assert!(contains(b"ada"), "the subject is kept in the clear, for lists; the search works");
    assert!(!contains(b"plover-xyzzy") && !contains(b"word"));
    assert!(!contains(cookie.as_bytes()) && !contains(&cookie.as_bytes()[..24]));
}
