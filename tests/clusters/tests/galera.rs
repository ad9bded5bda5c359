//! Galera with a node that lags, and default settings: nothing is lost, and no cookie is replaced.

#![allow(missing_docs, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, Database};
use sea_orm_migration::MigratorTrait;
use waxseal_clusters::{Galera, Proxy};
use waxseal_conformance::{Client, keyring};
use waxseal_http::{OverLimit, Sessions, Store};
use waxseal_sea_orm::{Migrator, SeaOrmStore, failover};

const INCREMENTS: u32 = 600;
const ROUNDS: u32 = 20;

/// The same browser at another node.
fn at(node: &Sessions, browser: &Client) -> Client {
    Client { sessions: node.clone(), ..browser.clone() }
}

async fn nodes(cluster: &Galera) -> Vec<Sessions> {
    let keyring = keyring();
    let mut nodes = Vec::new();
    for node in 0..3 {
        let db = cluster.connect(node).await;
        if node == 0 {
            Migrator::up(&db, None).await.unwrap();
        }
        let store = SeaOrmStore::new(db);
        assert!(store.may_be_behind());
        nodes.push(Sessions::builder(keyring.clone(), store).build().unwrap());
    }
    // The table has arrived everywhere.
    tokio::time::sleep(Duration::from_millis(500)).await;
    nodes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lagging_node_loses_nothing() {
    let Some(cluster) = Galera::start().await else { return };
    let nodes = nodes(&cluster).await;
    let lagging = cluster.lag(2).await;
    the_node_does_lag(&cluster, &nodes).await;
    no_increment_is_lost(&nodes).await;
    no_cookie_is_replaced(&nodes).await;
    every_sign_out_is_kept(&nodes).await;
    a_revocation_ends_what_has_not_arrived(&nodes).await;
    lagging.abort();
    sign_ins_on_all_nodes_count_each_other(&cluster).await;
    a_node_that_vanishes_is_left(&cluster).await;
}

/// Without this, the others prove nothing.
async fn the_node_does_lag(cluster: &Galera, nodes: &[Sessions]) {
    let there = SeaOrmStore::new(cluster.connect(2).await);
    let mut behind = 0;
    for _ in 0..ROUNDS {
        let mut browser = Client::new(&nodes[0]);
        browser.sign_in("lag").await.unwrap();
        let id = browser.request(async |session| session.id().await).await.unwrap().unwrap();
        let found = there.on(there.connection()).load(id).await.unwrap();
        behind += u32::from(found.is_none());
    }
    println!("the lagging node had not heard of {behind} of {ROUNDS} sign-ins a moment ago");
    assert!(behind > ROUNDS / 4);
}

async fn no_increment_is_lost(nodes: &[Sessions]) {
    let mut browser = Client::new(&nodes[0]);
    browser.sign_in("ada").await.unwrap();
    let from = Instant::now();
    let working: Vec<_> = (0..6)
        .map(|tab| {
            let mut tab = at(&nodes[tab % 3], &browser);
            tokio::spawn(async move {
                for _ in 0..INCREMENTS / 6 {
                    let increment =
                        tab.request(async |session| session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1));
                    increment.await.unwrap();
                }
                tab
            })
        })
        .collect();
    let mut newest = 0;
    for tab in working {
        let mut tab = tab.await.unwrap();
        newest = newest.max(tab.request(async |session| session.get::<u32>("n").await).await.unwrap().unwrap_or(0));
    }
    println!("{newest} of {INCREMENTS} increments were kept, in {:?}", from.elapsed());
    assert_eq!(newest, INCREMENTS);
}

async fn no_cookie_is_replaced(nodes: &[Sessions]) {
    for round in 0..ROUNDS {
        let subject = format!("user-{round}");
        let mut browser = Client::new(&nodes[0]);
        browser.sign_in(&subject).await.unwrap();
        browser.sessions = nodes[2].clone();
        browser.request(async |session| session.insert("cart", 1)).await.unwrap();
        for node in nodes {
            let subject_there = at(node, &browser).subject().await.unwrap();
            assert_eq!(subject_there.as_ref(), Some(&subject), "round {round}: the cookie was replaced");
        }
    }
    println!("0 of {ROUNDS} cookies were replaced");
}

async fn every_sign_out_is_kept(nodes: &[Sessions]) {
    let mut longest = Duration::ZERO;
    for round in 0..ROUNDS {
        let mut browser = Client::new(&nodes[0]);
        browser.sign_in("ada").await.unwrap();
        let copies: Vec<Client> = nodes.iter().map(|node| at(node, &browser)).collect();
        browser.sessions = nodes[2].clone();
        browser.sign_out().await.unwrap();
        let from = Instant::now();
        for copy in &copies {
            while copy.clone().subject().await.unwrap().is_some() {
                assert!(from.elapsed() < Duration::from_secs(3), "round {round}: the sign-out was lost");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        longest = longest.max(from.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
        for copy in copies {
            assert_eq!(copy.clone().subject().await.unwrap(), None, "round {round}: it came back");
        }
    }
    println!("{ROUNDS} of {ROUNDS} sign-outs were kept; all nodes knew of one after {longest:?} at most");
}

/// A session that was made on one node a moment ago has not reached the node that ends all of its user's sessions.
async fn a_revocation_ends_what_has_not_arrived(nodes: &[Sessions]) {
    for round in 0..ROUNDS {
        let subject = format!("revoked-{round}");
        let mut browser = Client::new(&nodes[0]);
        browser.sign_in(&subject).await.unwrap();
        assert_eq!(nodes[2].revoke_all(&subject).await.unwrap(), 1, "round {round}");
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut here = at(&nodes[2], &browser);
        assert_eq!(here.subject().await.unwrap(), None, "round {round}");
    }
}

async fn sign_ins_on_all_nodes_count_each_other(cluster: &Galera) {
    let keyring = keyring();
    let mut signing_in = Vec::new();
    for node in 0..3 {
        let store = SeaOrmStore::new(cluster.connect(node).await);
        let sessions = Sessions::builder(keyring.clone(), store);
        let sessions = sessions.max_sessions_per_subject(3, OverLimit::EndOldest).build().unwrap();
        signing_in.extend((0..4).map(|_| {
            let mut browser = Client::new(&sessions);
            tokio::spawn(async move {
                browser.sign_in("everywhere").await.unwrap();
                browser
            })
        }));
    }
    let mut sessions = None;
    for browser in signing_in {
        sessions = Some(browser.await.unwrap().sessions);
    }
    let left = sessions.unwrap().list("everywhere").await.unwrap().len();
    println!("{left} of 12 sessions are left, of 3 allowed");
    assert_eq!(left, 3);
}

/// It vanishes without a word, with statements under way: the pool comes back by itself.
async fn a_node_that_vanishes_is_left(cluster: &Galera) {
    let proxy = Proxy::to(cluster.port(0)).await;
    let mut options = ConnectOptions::new(format!("mysql://root@127.0.0.1:{}/test", proxy.port));
    options.max_connections(8).sqlx_logging(false);
    failover::mysql(&mut options);
    let store = SeaOrmStore::new(Database::connect(options).await.unwrap());
    let sessions = Sessions::builder(keyring(), store).build().unwrap();
    let mut browser = Client::new(&sessions);
    browser.sign_in("ada").await.unwrap();
    proxy.point_to(cluster.port(1));
    proxy.vanish(&mut browser, Duration::from_secs(15)).await;
}
