//! PgBouncer: session pooling carries everything; transaction pooling without prepared statements fails at once, and says why.

#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use sea_orm_migration::MigratorTrait;
use waxseal_clusters::{PgBouncer, Pooling};
use waxseal_conformance::{Client, keyring};
use waxseal_http::{Cached, Session, SessionError, Sessions};
use waxseal_sea_orm::{Migrator, SeaOrmStore, Sweeper, Table, failover, install_notices};

const DEVICES: u32 = 16;

/// A person's way: every statement of the store, the renewal's transaction among them.
async fn visit(sessions: &Sessions, subject: &str) -> Result<(), SessionError> {
    let (mut phone, mut laptop) = (Client::new(sessions), Client::new(sessions));
    for browser in [&mut phone, &mut laptop] {
        browser.request(async |session| session.insert("cart", 1)).await?;
        browser.sign_in(subject).await?;
    }
    for n in 0..5 {
        phone.request(async |session| session.update("n", move |seen: Option<u32>| seen.unwrap_or(0) + n)).await?;
    }
    let before = phone.clone();
    phone
        .request(async |session| {
            session.renew();
            Ok(())
        })
        .await?;
    assert_eq!(before.clone().subject().await?, None);
    let read = async |session: &Session| Ok((session.get::<u32>("n").await?, session.get::<u32>("cart").await?));
    assert_eq!(phone.request(read).await?, (Some(10), Some(1)));
    assert_eq!(phone.request(async |session| Ok(session.list().await?.len())).await?, 2);
    assert_eq!(phone.request(async |session| session.revoke_others().await).await?, 1);
    assert_eq!(laptop.subject().await?, None);
    let copy = phone.clone();
    phone.sign_out().await?;
    assert_eq!(copy.clone().subject().await?, None);
    Ok(())
}

/// Many at once, so that connections are shared.
async fn visits(sessions: &Sessions) -> Vec<Result<(), SessionError>> {
    let visiting: Vec<_> = (0..DEVICES)
        .map(|n| {
            let sessions = sessions.clone();
            tokio::spawn(async move { visit(&sessions, &format!("user-{n}")).await })
        })
        .collect();
    let mut visited = Vec::new();
    for visit in visiting {
        visited.push(visit.await.unwrap());
    }
    visited
}

fn sessions(store: &SeaOrmStore) -> Sessions {
    Sessions::builder(keyring(), store.clone()).build().unwrap()
}

/// Makes the table past the pooler, and gives a node's store through it.
async fn migrated(pooler: &PgBouncer, set: impl FnOnce(&mut ConnectOptions)) -> SeaOrmStore {
    Migrator::up(&pooler.connect_past().await, None).await.unwrap();
    SeaOrmStore::new(pooler.connect(set).await.unwrap())
}

/// Whether the error names the settings with which it does not happen.
fn is_explained(error: &str) -> bool {
    ["1.21 or later", "max_prepared_statements", "pool_mode = session"].iter().all(|part| error.contains(part))
}

/// The startup parameter that every connection of the driver sends.
const IGNORED: &str = "extra_float_digits";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn session_pooling_carries_everything() {
    let Some(pooler) = PgBouncer::start(Pooling::Session, IGNORED).await else { return };
    let db = pooler.connect(|_| {}).await.unwrap();
    Migrator::up(&db, None).await.unwrap();
    let store = SeaOrmStore::new(db);
    for visit in visits(&sessions(&store)).await {
        visit.unwrap();
    }
    let _ = Sweeper::new(store).sweep().await.unwrap();
}

/// Two nodes with the cache: one hears through the pooler what the other does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn session_pooling_carries_notices() {
    let Some(pooler) = PgBouncer::start(Pooling::Session, IGNORED).await else { return };
    let (here, there) = (migrated(&pooler, |_| {}).await, migrated(&pooler, |_| {}).await);
    install_notices(here.connection(), &Table::default()).await.unwrap();
    let notices = there.notices().unwrap();
    let keyring = keyring();
    let here = Sessions::builder(keyring.clone(), here).build().unwrap();
    let there = Sessions::builder(keyring, Cached::notified(there, notices)).build().unwrap();
    let mut browser = Client::new(&here);
    browser.sign_in("ada").await.unwrap();
    let stream = there.open(&browser.headers);
    assert_eq!(stream.subject().await.unwrap().as_deref(), Some("ada"));
    let ended = tokio::spawn(async move { stream.ended().await });
    // It has begun to wait.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!ended.is_finished());
    browser.sign_out().await.unwrap();
    tokio::time::timeout(Duration::from_secs(1), ended).await.expect("it is told").unwrap().unwrap();
}

/// The pool that follows a failover sends one more startup parameter, its bound on statements. Ignored, it has no effect.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn session_pooling_carries_the_pool_that_follows_a_failover() {
    let Some(pooler) = PgBouncer::start(Pooling::Session, "extra_float_digits,options").await else { return };
    let follow = |options: &mut ConnectOptions| {
        failover::postgres(options);
    };
    let store = migrated(&pooler, follow).await;
    for visit in visits(&sessions(&store)).await {
        visit.unwrap();
    }
    assert_eq!(bound_on_statements(&pooler.connect_past().await).await, "0", "the server's own");
    assert_eq!(bound_on_statements(store.connection()).await, "0");
    // What the documentation advises. The first pool keeps its connections, so that these are new.
    pooler.behind.server.execute("ALTER ROLE postgres SET statement_timeout = '4s'").await;
    assert_eq!(bound_on_statements(&pooler.connect(follow).await.unwrap()).await, "4s");
}

async fn bound_on_statements(db: &DatabaseConnection) -> String {
    let statement = Statement::from_string(DbBackend::Postgres, "SHOW statement_timeout");
    db.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// PgBouncer refuses connections whose startup parameters it does not know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_startup_parameter_that_is_not_ignored_is_refused() {
    let Some(pooler) = PgBouncer::start(Pooling::Session, "").await else { return };
    let refused = pooler.connect(|_| {}).await.unwrap_err().to_string();
    assert!(refused.contains("extra_float_digits"), "{refused}");
}

/// A second node comes to a server process that has the first one's statements.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transaction_pooling_without_prepared_statements_says_what_to_do() {
    let Some(pooler) = PgBouncer::start(Pooling::Transaction, IGNORED).await else { return };
    // Two connections of one node would be enough.
    let first = migrated(&pooler, |options| {
        options.max_connections(1);
    })
    .await;
    let mut browser = Client::new(&sessions(&first));
    browser.sign_in("ada").await.unwrap();

    let second = SeaOrmStore::new(pooler.connect(|_| {}).await.unwrap());
    let refused = Client::new(&sessions(&second)).sign_in("grace").await.unwrap_err();
    assert!(matches!(refused, SessionError::Store(_)), "a 503: {refused:?}");
    assert!(is_explained(&refused.to_string()), "{refused}");
    let migration = Migrator::up(&pooler.connect(|_| {}).await.unwrap(), None).await.unwrap_err();
    assert!(is_explained(&migration.to_string()), "{migration}");
}

/// The driver gives its statements the same names when it does not keep them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transaction_pooling_is_not_helped_by_the_drivers_settings() {
    let Some(pooler) = PgBouncer::start(Pooling::Transaction, IGNORED).await else { return };
    let store = migrated(&pooler, |options| {
        options.map_sqlx_postgres_opts(|options| options.statement_cache_capacity(0));
    })
    .await;
    let visited = visits(&sessions(&store)).await;
    let failed: Vec<String> = visited.into_iter().filter_map(|visit| Some(visit.err()?.to_string())).collect();
    assert!(failed.iter().any(|error| is_explained(error)), "{failed:?}");
}
