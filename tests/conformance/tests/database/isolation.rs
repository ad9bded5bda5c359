//! Whatever the isolation level: what the database rolls back is tried again, and nothing fails or is lost.

use std::{env, time::Duration};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement, TransactionTrait};
use waxseal_conformance::{Bench, Framework, StoreKind};
use waxseal_http::{Clock, Page, SessionError, Sessions, Store, SystemClock, TOMBSTONE_S, Which};
use waxseal_sea_orm::{SeaOrmStore, Sweeper};

use waxseal_conformance::{Client, keyring, on_every_database};

/// Connections to a bench's database whose transactions have this level by default.
async fn connect(kind: StoreKind, name: &str, level: &str) -> DatabaseConnection {
    let mut options = match kind {
        StoreKind::Postgres => {
            let url = env::var("WAXSEAL_TEST_POSTGRES_URL").unwrap();
            let level = level.replace(' ', "%20");
            let mut options = ConnectOptions::new(format!("{url}?options[default_transaction_isolation]={level}"));
            options.set_schema_search_path(format!("waxseal_{name}"));
            options
        }
        _ => {
            let url = env::var("WAXSEAL_TEST_MYSQL_URL").unwrap();
            let mut options = ConnectOptions::new(format!("{}/waxseal_{name}", url.rsplit_once('/').unwrap().0));
            let set = format!("SET SESSION TRANSACTION ISOLATION LEVEL {level}");
            options.map_sqlx_mysql_pool_opts(move |options| {
                let set = set.clone();
                options.after_connect(move |connection, _| {
                    let set = set.clone();
                    Box::pin(async move {
                        sea_orm::sqlx::query(sea_orm::sqlx::AssertSqlSafe(set)).execute(connection).await.map(drop)
                    })
                })
            });
            options
        }
    };
    options.max_connections(10);
    Database::connect(options).await.unwrap()
}

/// Whether the connections have the level that was asked for.
async fn check_level(db: &DatabaseConnection, level: &str) {
    let backend = db.get_database_backend();
    let sql = match backend {
        DbBackend::Postgres => "SELECT current_setting('transaction_isolation')",
        _ => "SELECT REPLACE(@@tx_isolation, '-', ' ')",
    };
    let row = db.query_one_raw(Statement::from_string(backend, sql)).await.unwrap().unwrap();
    assert_eq!(row.try_get_by_index::<String>(0).unwrap().to_lowercase(), level);
}

/// Nodes of one application: each queues its own collisions, and they collide with each other in the database.
fn nodes(db: &DatabaseConnection) -> [Sessions; 4] {
    let keyring = keyring();
    [0; 4].map(|_| Sessions::builder(keyring.clone(), SeaOrmStore::new(db.clone())).build().unwrap())
}

async fn increments(nodes: &[Sessions; 4], client: &Client, count: usize) -> Vec<SessionError> {
    let requests: Vec<_> = (0..count)
        .map(|n| {
            let mut client = Client { sessions: nodes[n % 4].clone(), headers: client.headers.clone() };
            tokio::spawn(async move {
                client.request(async |session| session.update("n", |n: Option<u64>| n.unwrap_or(0) + 1)).await
            })
        })
        .collect();
    let mut errors = Vec::new();
    for request in requests {
        errors.extend(request.await.unwrap().err());
    }
    errors
}

async fn nothing_fails(kind: StoreKind, name: &str, level: &str) {
    let Some(bench) = Bench::open(kind, Framework::Engine, name).await else { return };
    let db = connect(kind, name, level).await;
    check_level(&db, level).await;
    let nodes = nodes(&db);
    let mut client = Client::new(&nodes[0]);
    client.sign_in("ada").await.unwrap();
    // Two at a time, then all at once.
    for _ in 0..50 {
        let errors = increments(&nodes, &client, 2).await;
        assert!(errors.is_empty(), "{errors:?}");
    }
    let errors = increments(&nodes, &client, 300).await;
    assert!(errors.is_empty(), "{} of 300, the first: {:?}", errors.len(), errors[0]);
    assert_eq!(client.request(async |session| session.get::<u64>("n").await).await.unwrap(), Some(400));
    // Sign-ins over one session.
    let sign_ins: Vec<_> = (0..150)
        .map(|n| {
            let mut client = Client { sessions: nodes[n % 4].clone(), headers: client.headers.clone() };
            tokio::spawn(async move { client.sign_in("ada").await })
        })
        .collect();
    let mut errors = Vec::new();
    for sign_in in sign_ins {
        errors.extend(sign_in.await.unwrap().err());
    }
    assert!(errors.is_empty(), "{} of 150, the first: {:?}", errors.len(), errors[0]);
    // All of them are signed out while some still sign in: those are refused by their own error, or came after.
    let more: Vec<_> = (0..20)
        .map(|n| {
            let mut client = Client::new(&nodes[n % 4]);
            tokio::spawn(async move { client.sign_in("ada").await })
        })
        .collect();
    nodes[0].revoke_all("ada").await.unwrap();
    for sign_in in more {
        let signed_in = sign_in.await.unwrap();
        assert!(matches!(signed_in, Ok(_) | Err(SessionError::SignInOvertaken)), "{signed_in:?}");
    }
    nodes[0].revoke_all("ada").await.unwrap();
    assert_eq!(nodes[1].list("ada").await.unwrap().len(), 0);
    db.close().await.unwrap();
    bench.close().await;
}

macro_rules! at_levels {
    ($($name:ident: $kind:ident, $level:literal;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                nothing_fails(StoreKind::$kind, concat!("level_", stringify!($name)), $level).await;
            }
        )*
    };
}

at_levels! {
    postgres_read_committed: Postgres, "read committed";
    postgres_repeatable_read: Postgres, "repeatable read";
    postgres_serializable: Postgres, "serializable";
    mariadb_read_committed: MariaDb, "read committed";
    mariadb_repeatable_read: MariaDb, "repeatable read";
    mariadb_serializable: MariaDb, "serializable";
}

on_every_database! {
    sign_outs_meet_the_sweeper
    a_transaction_that_has_read_before_ends_sessions
}

/// On MariaDB they deadlocked, and the sign-out failed.
async fn sign_outs_meet_the_sweeper(db: &DatabaseConnection) {
    let nodes = nodes(db);
    let late = || waxseal_http::Timestamp::from_unix_seconds(SystemClock.now().unix_seconds() + TOMBSTONE_S + 1);
    let sweepers: Vec<_> = (0..2)
        .map(|_| {
            let store = SeaOrmStore::new(db.clone());
            tokio::spawn(async move {
                // It takes tombstones away as they come.
                let sweeper = Sweeper::new(store).batch(7).pause(Duration::ZERO).clock(late);
                let mut swept = 0;
                for _ in 0..300 {
                    swept += sweeper.sweep().await.unwrap();
                }
                swept
            })
        })
        .collect();
    let users: Vec<_> = (0..8)
        .map(|n| {
            let mut client = Client::new(&nodes[n % 4]);
            tokio::spawn(async move {
                for round in 0..20 {
                    client.sign_in(&format!("user-{n}")).await.unwrap();
                    client
                        .request(async |session| {
                            session.destroy();
                            Ok(())
                        })
                        .await
                        .unwrap();
                    if round % 5 == 0 {
                        client.sessions.revoke_all(&format!("user-{n}")).await.unwrap();
                    }
                }
            })
        })
        .collect();
    for user in users {
        user.await.unwrap();
    }
    let mut swept = 0;
    for sweeper in sweepers {
        swept += sweeper.await.unwrap();
    }
    assert!(swept > 0);
}

/// The documented way to end sessions with a change of password: it failed always on MariaDB, where the transaction had read
/// before another device signed out.
async fn a_transaction_that_has_read_before_ends_sessions(db: &DatabaseConnection) {
    if db.get_database_backend() == DbBackend::Sqlite {
        // One that has read cannot write any more once another has: SQLite refuses it, and the caller begins again.
        return;
    }
    let store = SeaOrmStore::new(db.clone());
    let sessions = Sessions::builder(keyring(), store.clone()).build().unwrap();
    let now = SystemClock.now();
    // A user each: a sign-in in the millisecond of a revocation is refused.
    for (user, which) in [("ada", "all"), ("bob", "all but one")] {
        let mut clients: Vec<Client> = (0..3).map(|_| Client::new(&sessions)).collect();
        for client in &mut clients {
            client.sign_in(user).await.unwrap();
        }
        let kept = clients[0].request(async |session| session.id().await).await.unwrap().unwrap();
        let transaction = db.begin().await.unwrap();
        assert_eq!(store.on(&transaction).list_by_subject(user, now, Page::first(9)).await.unwrap().len(), 3);
        let gone = async |session: &waxseal_http::Session| {
            session.destroy();
            Ok(())
        };
        clients[1].request(gone).await.unwrap();
        let mut late = Client::new(&sessions);
        late.sign_in(user).await.unwrap();
        let which = if which == "all" { Which::All } else { Which::AllBut(kept) };
        let ended = store.on(&transaction).delete_by_subject(user, which, SystemClock.now()).await.unwrap();
        assert_eq!(ended, if which == Which::All { 3 } else { 2 });
        transaction.commit().await.unwrap();
        let left = store.list_by_subject(user, now, Page::first(9)).await.unwrap();
        assert_eq!(
            left.iter().map(|row| row.id).collect::<Vec<_>>(),
            if which == Which::All { vec![] } else { vec![kept] }
        );
        sessions.revoke_all(user).await.unwrap();
    }
}
