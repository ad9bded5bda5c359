//! The cache on PostgreSQL's notices: nodes hear of each other, and one that hears nothing asks the database.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, TransactionTrait};
use sea_orm_migration::MigratorTrait;
use waxseal_http::{Cached, Keyring, Listening, Notice, Notices, Sessions, Store, StoreError, Wanted};
use waxseal_sea_orm::{Migrator, PostgresNotices, SeaOrmStore, Table, install_notices};

use waxseal_conformance::{Client, keyring, on_every_database};

const BOUND: Duration = Duration::from_millis(400);

/// Notices that a test can hold up.
struct Faulty {
    notices: PostgresNotices,
    /// Nothing is heard while it is set: the network is cut without a word.
    frozen: Arc<AtomicBool>,
    /// The connection that listens breaks.
    cut: Arc<AtomicBool>,
}

struct FaultyListening {
    listening: Box<dyn Listening>,
    frozen: Arc<AtomicBool>,
    cut: Arc<AtomicBool>,
}

#[async_trait]
impl Notices for Faulty {
    async fn listen(&self) -> Result<Box<dyn Listening>, StoreError> {
        if self.cut.load(Ordering::SeqCst) {
            return Err(StoreError::backend("cut"));
        }
        let listening = self.notices.listen().await?;
        Ok(Box::new(FaultyListening { listening, frozen: self.frozen.clone(), cut: self.cut.clone() }))
    }

    async fn ping(&self, number: u64) -> Result<(), StoreError> {
        self.notices.ping(number).await
    }
}

#[async_trait]
impl Listening for FaultyListening {
    async fn next(&mut self) -> Result<Notice, StoreError> {
        let notice = self.listening.next().await?;
        while self.frozen.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if self.cut.load(Ordering::SeqCst) {
            return Err(StoreError::backend("cut"));
        }
        Ok(notice)
    }
}

struct Node {
    store: Cached<SeaOrmStore>,
    sessions: Sessions,
    keyring: Keyring,
    frozen: Arc<AtomicBool>,
    cut: Arc<AtomicBool>,
}

impl Node {
    async fn start(db: &DatabaseConnection, keyring: &Keyring) -> Self {
        let store = SeaOrmStore::new(db.clone());
        let (frozen, cut) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let notices = Faulty { notices: store.notices().unwrap(), frozen: frozen.clone(), cut: cut.clone() };
        let store = Cached::notified_within(store, notices, BOUND);
        let sessions = Sessions::builder(keyring.clone(), store.clone()).build().unwrap();
        let node = Self { store, sessions, keyring: keyring.clone(), frozen, cut };
        node.until_on().await;
        node
    }

    async fn until_on(&self) {
        for _ in 0..600 {
            if self.store.staleness().is_some() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the cache did not come on");
    }
}

async fn user(client: &mut Client) -> Option<String> {
    client.request(async |session| session.subject().await).await.unwrap()
}

/// How long it takes until a change is seen, which must be within the bound.
async fn until_heard(what: &str, is_seen: impl AsyncFn() -> bool) -> Duration {
    let from = Instant::now();
    while !is_seen().await {
        assert!(from.elapsed() < BOUND, "{what} was not heard within the bound");
    }
    from.elapsed()
}

async fn nodes(db: &DatabaseConnection) -> [Node; 2] {
    Migrator::up(db, None).await.unwrap();
    install_notices(db, &Table::default()).await.unwrap();
    install_notices(db, &Table::default()).await.unwrap();
    let keyring = keyring();
    [Node::start(db, &keyring).await, Node::start(db, &keyring).await]
}

/// The same browser at another node.
fn at(node: &Node, client: &Client) -> Client {
    Client { sessions: node.sessions.clone(), ..client.clone() }
}

async fn another_nodes_sign_out_is_heard(db: &DatabaseConnection) {
    if db.get_database_backend() != DbBackend::Postgres {
        assert!(SeaOrmStore::new(db.clone()).notices().unwrap_err().to_string().contains("Cached::new"));
        return;
    }
    let [a, b] = nodes(db).await;
    let mut longest = Duration::ZERO;
    for round in 0..20 {
        let mut here = Client::new(&a.sessions);
        here.sign_in(&format!("user-{round}")).await.unwrap();
        let mut there = at(&b, &here);
        assert!(user(&mut there).await.is_some());
        let replay = at(&b, &here);
        here.sign_out().await.unwrap();
        longest = longest.max(until_heard("a sign-out", async || user(&mut replay.clone()).await.is_none()).await);
    }
    println!("a sign-out was seen by the other node after {longest:?} at most; the bound is {BOUND:?}");
}

async fn number(client: &mut Client) -> Option<u64> {
    client.request(async |session| session.get("n").await).await.unwrap()
}

/// A change that another node made is seen within the bound, also by a browser whose cookie does not know of it.
async fn another_nodes_changes_are_heard(db: &DatabaseConnection) {
    if db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    let [a, b] = nodes(db).await;
    let mut here = Client::new(&a.sessions);
    here.sign_in("ada").await.unwrap();
    let there = at(&b, &here);
    let mut longest = Duration::ZERO;
    for n in 0..20 {
        assert!(user(&mut there.clone()).await.is_some());
        assert!(!b.store.is_empty());
        here.request(async |session| session.insert("n", n)).await.unwrap();
        longest = longest.max(until_heard("a change", async || number(&mut there.clone()).await == Some(n)).await);
    }
    println!("a change was seen by the other node after {longest:?} at most; the bound is {BOUND:?}");
}

/// What a transaction changed is told when it commits, however many readings of the log have passed since; and by whoever may write to
/// the session table, though they have no right to the log: even if their search path has other operators first.
async fn changes_that_are_committed_late_are_heard(db: &DatabaseConnection) {
    if db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    let [a, _] = nodes(db).await;
    let mut client = Client::new(&a.sessions);
    client.sign_in("ada").await.unwrap();
    let role = "DO $$ BEGIN CREATE ROLE waxseal_writer; EXCEPTION WHEN OTHERS THEN NULL; END $$";
    db.execute_unprepared(role).await.unwrap();
    let transaction = db.begin().await.unwrap();
    for sql in [
        "DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO waxseal_writer', current_schema()); END $$",
        "GRANT SELECT, UPDATE ON waxseal_sessions TO waxseal_writer",
        "CREATE SCHEMA waxseal_hostile",
        "GRANT USAGE ON SCHEMA waxseal_hostile TO waxseal_writer",
        "CREATE FUNCTION waxseal_hostile.never(bigint, bigint) RETURNS boolean LANGUAGE plpgsql \
         AS $$ BEGIN RAISE 'run as %', current_user; END $$",
        "CREATE FUNCTION waxseal_hostile.concat(text, uuid) RETURNS text LANGUAGE plpgsql \
         AS $$ BEGIN RAISE 'run as %', current_user; END $$",
        "CREATE OPERATOR waxseal_hostile.> (FUNCTION = waxseal_hostile.never, LEFTARG = bigint, RIGHTARG = bigint)",
        "SET LOCAL ROLE waxseal_writer",
        "DO $$ BEGIN PERFORM set_config('search_path', 'waxseal_hostile, pg_catalog, ' || current_schema(), true); END $$",
        // No node can open it then.
        "UPDATE waxseal_sessions SET generation = generation + 1 WHERE subject = 'ada'",
        "UPDATE waxseal_sessions SET label = 'changed by hand' WHERE subject = 'ada'",
        "RESET ROLE",
        "DROP SCHEMA waxseal_hostile CASCADE",
    ] {
        transaction.execute_unprepared(sql).await.unwrap();
    }
    // Others' changes, which are told meanwhile.
    for n in 0..8 {
        let mut other = Client::new(&a.sessions);
        other.sign_in("bob").await.unwrap();
        other.request(async |session| session.insert("n", n)).await.unwrap();
        tokio::time::sleep(BOUND / 4).await;
    }
    assert!(user(&mut client.clone()).await.is_some());
    transaction.commit().await.unwrap();
    until_heard("a late commit", async || user(&mut client.clone()).await.is_none()).await;
}

/// What other programs do counts too.
async fn changes_by_hand_are_heard(db: &DatabaseConnection) {
    if db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    let [a, _] = nodes(db).await;
    let by_hand = [
        "DELETE FROM waxseal_sessions WHERE subject = 'ada'",
        "UPDATE waxseal_sessions SET expires_at = 1 WHERE subject = 'ada'",
        "TRUNCATE waxseal_sessions",
    ];
    for sql in by_hand {
        let mut client = Client::new(&a.sessions);
        client.sign_in("ada").await.unwrap();
        assert!(user(&mut client).await.is_some());
        assert!(!a.store.is_empty());
        db.execute_unprepared(sql).await.unwrap();
        until_heard(sql, async || user(&mut client.clone()).await.is_none()).await;
    }
}

/// A listener that is cut or frozen turns the cache off within the bound, and it comes back by itself.
async fn a_node_that_hears_nothing_asks_the_database(db: &DatabaseConnection) {
    if db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    let [a, b] = nodes(db).await;
    for fault in [&b.frozen, &b.cut] {
        let mut here = Client::new(&a.sessions);
        here.sign_in("ada").await.unwrap();
        let there = at(&b, &here);
        assert!(user(&mut there.clone()).await.is_some());
        fault.store(true, Ordering::SeqCst);
        here.sign_out().await.unwrap();
        tokio::time::sleep(BOUND).await;
        assert_eq!(user(&mut there.clone()).await, None, "older than the bound");
        assert_eq!(b.store.staleness(), None);
        fault.store(false, Ordering::SeqCst);
        b.until_on().await;
    }
    // Without one of its triggers the channel is silent, whatever pings would say.
    db.execute_unprepared("ALTER TABLE waxseal_sessions DISABLE TRIGGER waxseal_sessions_delete").await.unwrap();
    tokio::time::sleep(BOUND + BOUND / 2).await;
    assert_eq!(a.store.staleness(), None);
}

/// A touch moves the times without a notice: a copy that looks expired is no proof.
async fn a_touch_on_another_node_keeps_the_session(db: &DatabaseConnection) {
    if db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    let [a, b] = nodes(db).await;
    let clock = waxseal_http::testing::TestClock::new();
    let on =
        |node: &Node| Sessions::builder(node.keyring.clone(), node.store.clone()).clock(clock.clone()).build().unwrap();
    let (a, b) = (on(&a), on(&b));
    let mut here = Client::new(&a);
    here.sign_in("ada").await.unwrap();
    let there = Client { sessions: b.clone(), ..here.clone() };
    assert!(user(&mut there.clone()).await.is_some());
    for _ in 0..4 {
        clock.advance(Duration::from_secs(20 * 60));
        assert!(user(&mut here).await.is_some());
    }
    assert!(user(&mut there.clone()).await.is_some(), "its copy is 80 minutes old");
}

/// Loads that began before a write do not leave what they read.
async fn reads_and_writes_at_once_leave_no_old_copy(db: &DatabaseConnection) {
    let store = SeaOrmStore::new(db.clone());
    Migrator::up(db, None).await.unwrap();
    let cached = Cached::for_a_single_process(store);
    let sessions = Sessions::builder(keyring(), cached.clone()).build().unwrap();
    let mut client = Client::new(&sessions);
    client.sign_in("ada").await.unwrap();
    let id = client.request(async |session| session.id().await).await.unwrap().unwrap();
    let reading: Vec<_> = (0..4)
        .map(|_| {
            let cached = cached.clone();
            tokio::spawn(async move {
                for n in 0..300 {
                    // Also past the cache, which puts what it finds into it.
                    let wanted = if n % 3 == 0 { Wanted::newest(id) } else { Wanted::at_least(id, 0) };
                    cached.load(wanted).await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for n in 0..100 {
        client.request(async |session| session.insert("n", n)).await.unwrap();
        let seen = client.request(async |session| session.get::<i32>("n").await).await.unwrap();
        assert_eq!(seen, Some(n));
    }
    for reading in reading {
        reading.await.unwrap();
    }
}

on_every_database! {
    another_nodes_sign_out_is_heard
    another_nodes_changes_are_heard
    changes_that_are_committed_late_are_heard
    changes_by_hand_are_heard
    a_node_that_hears_nothing_asks_the_database
    a_touch_on_another_node_keeps_the_session
    reads_and_writes_at_once_leave_no_old_copy
}
