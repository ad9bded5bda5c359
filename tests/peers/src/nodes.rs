//! What a cache with notices promises, measured on two nodes: how many statements reads cost, and how late a sign-out is seen.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{runtime::Builder, time::sleep};
use waxseal_http::{Cached, Keyring, RootKey, Sessions, testing};
use waxseal_peers::{connect, make_schema};
use waxseal_sea_orm::{SeaOrmStore, Table, install_notices};

const SCHEMA: &str = "waxseal_peers_nodes";
const READS: usize = 1000;
const SIGN_OUTS: usize = 200;

/// Prints the figures.
pub(crate) fn report(url: &str) {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(measure(url));
}

async fn measure(url: &str) {
    make_schema(url, SCHEMA).await;
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let statements = Arc::new(AtomicU64::new(0));
    let (here, _) = node(url, &keyring, &Arc::default()).await;
    let (there, bound) = node(url, &keyring, &statements).await;

    let cookie = testing::signed_in(&here, "ada").await.unwrap();
    assert!(is_signed_in(&there, &cookie).await);
    let before = statements.load(Ordering::Relaxed);
    for _ in 0..READS {
        assert!(is_signed_in(&there, &cookie).await);
    }
    let asked = statements.load(Ordering::Relaxed) - before;
    println!(
        "\n{READS} cached reads of one session: {asked} statements, the cache's own pings among them (at most 5 wanted)"
    );

    let mut late = Vec::with_capacity(SIGN_OUTS);
    for number in 0..SIGN_OUTS {
        let user = format!("user-{number}");
        let cookie = testing::signed_in(&here, &user).await.unwrap();
        assert!(is_signed_in(&there, &cookie).await);
        here.revoke_all(&user).await.unwrap();
        let from = Instant::now();
        while is_signed_in(&there, &cookie).await {
            sleep(Duration::from_micros(100)).await;
        }
        late.push(from.elapsed());
    }
    late.sort_unstable();
    let (median, worst) = (late[SIGN_OUTS / 2], late[SIGN_OUTS - 1]);
    println!(
        "{SIGN_OUTS} sign-outs, as the other node sees them: median {median:.1?}, worst {worst:.1?}; the bound is {bound:?}"
    );
}

/// A node, and the bound of its cache.
async fn node(url: &str, keyring: &Keyring, statements: &Arc<AtomicU64>) -> (Sessions, Duration) {
    let mut db = connect(url, SCHEMA).await;
    let count = statements.clone();
    db.set_metric_callback(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    install_notices(&db, &Table::default()).await.unwrap();
    let store = SeaOrmStore::new(db);
    let notices = store.notices().unwrap();
    let bound = Duration::from_secs(1);
    let cached = Cached::notified_within(store, notices, bound);
    while cached.staleness().is_none() {
        sleep(Duration::from_millis(10)).await;
    }
    (Sessions::builder(keyring.clone(), cached).build().unwrap(), bound)
}

async fn is_signed_in(sessions: &Sessions, cookie: &http::HeaderValue) -> bool {
    let headers = [(http::header::COOKIE, cookie.clone())].into_iter().collect();
    sessions.open(&headers).subject().await.unwrap().is_some()
}
