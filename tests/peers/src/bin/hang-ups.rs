//! What clients that hang up cost: memory, and the time that another user waits. `cargo xtask bench hang-ups`
//!
//! 32 clients ask again and again for a change of one session with 60 KB of data, and hang up after a millisecond. Meanwhile another
//! user changes their own session. The application runs on axum, which drops a request as soon as its client has gone; Poem would
//! go on with it. The database is PostgreSQL where `WAXSEAL_TEST_POSTGRES_URL` is set, else SQLite.

#![forbid(unsafe_code)]
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, routing::get};
use sea_orm::{ConnectionTrait, Database};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use waxseal_http::{CookieOptions, Keyring, RootKey, Sessions};
use waxseal_peers::{postgres, postgres_url, sqlite};
use waxseal_sea_orm::SeaOrmStore;
use waxseal_tower::{Session, SessionError, SessionLayer};

const HANG_UPS: u32 = 100_000;
const CLIENTS: u32 = 32;

/// Changes the session, whose data are 60 KB after the first time.
async fn change(session: Session) -> Result<String, SessionError> {
    session.insert("filling", "x".repeat(60_000))?;
    session.update("n", |n: Option<u64>| n.unwrap_or(0) + 1)?;
    Ok(session.get::<u64>("n").await?.unwrap_or(0).to_string())
}

async fn store(folder: &Path) -> SeaOrmStore {
    match postgres_url() {
        Some(url) => postgres(&url, "waxseal_hang_ups").await,
        None => sqlite(folder).await,
    }
}

/// Starts the application and gives its address.
async fn start(folder: &Path) -> String {
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let cookie = CookieOptions::insecure_for_plain_http_development();
    let sessions = Sessions::builder(keyring, store(folder).await).cookie(cookie).build().unwrap();
    let app = Router::new().route("/", get(change)).layer(SessionLayer::new(sessions));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

fn request(cookie: &str, connection: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nhost: bench\r\ncookie: {cookie}\r\nconnection: {connection}\r\n\r\n").into_bytes()
}

/// A whole request; its answer.
async fn ask(address: &str, cookie: &str) -> String {
    let answer = try_to_ask(address, cookie).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

async fn try_to_ask(address: &str, cookie: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&request(cookie, "close")).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn new_session(address: &str) -> String {
    let answer = ask(address, "a=b").await;
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

/// The longest that `step` takes, every 10 ms until `done`.
async fn longest(done: impl Fn() -> bool, step: impl AsyncFn()) -> Duration {
    let mut longest = Duration::ZERO;
    while !done() {
        let asked = Instant::now();
        step().await;
        longest = longest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    longest
}

/// The longest that another user waits.
async fn another_user(address: &str, cookie: &str, done: impl Fn() -> bool) -> Duration {
    longest(done, async || drop(ask(address, cookie).await)).await
}

/// The longest that a plain statement takes beside it, on a connection and a table of its own: the database makes everybody wait
/// that long. PostgreSQL only, because SQLite has one writer at a time.
async fn the_database_itself(done: impl Fn() -> bool) -> Option<Duration> {
    let db = Database::connect(postgres_url()?).await.unwrap();
    let run = async |sql: &str| {
        db.execute_unprepared(sql).await.unwrap();
    };
    run("DROP TABLE IF EXISTS waxseal_hang_ups_probe").await;
    run("CREATE TABLE waxseal_hang_ups_probe AS SELECT 0 AS n").await;
    let longest = longest(done, async || run("UPDATE waxseal_hang_ups_probe SET n = n + 1").await).await;
    run("DROP TABLE waxseal_hang_ups_probe").await;
    Some(longest)
}

/// The memory of this process in MB: its present size, or the most that it was (`VmRSS`, `VmHWM`).
fn memory_mb(which: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(which)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let address = start(folder.path()).await;
    let (busy, other) = (new_session(&address).await, new_session(&address).await);

    let until = Instant::now() + Duration::from_secs(5);
    let undisturbed = another_user(&address, &other, || Instant::now() >= until).await;
    let before = memory_mb("VmRSS");

    let begun = Instant::now();
    let left = Arc::new(AtomicU32::new(HANG_UPS));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            // After `connection: close` the server would read no more, and not see that the client is gone.
            let (address, request, left) = (address.clone(), request(&busy, "keep-alive"), left.clone());
            tokio::spawn(async move {
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                    let Ok(mut stream) = TcpStream::connect(&address).await else { continue };
                    let _ = stream.write_all(&request).await;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    // It hangs up, and comes back when the server has noticed: 32 requests are open, and no more.
                    let _ = stream.shutdown().await;
                    let _ = stream.read_to_end(&mut Vec::new()).await;
                }
            })
        })
        .collect();
    let done = || left.load(Ordering::Relaxed) == 0;
    let (disturbed, itself) = tokio::join!(another_user(&address, &other, done), the_database_itself(done));
    for client in clients {
        client.await.unwrap();
    }
    let took = begun.elapsed();
    // Who asks for the busy session itself waits behind the changes that were begun.
    let asked = Instant::now();
    let mut refused = 0;
    let counted = loop {
        let answer = try_to_ask(&address, &busy).await;
        if answer.starts_with("HTTP/1.1 200") {
            break answer;
        }
        refused += 1;
    };
    println!("{HANG_UPS} hang-ups in {:.1} s, {CLIENTS} at a time, on a session of 60 KB", took.as_secs_f64());
    println!("another user waited at most {undisturbed:?} without them and {disturbed:?} with them");
    if let Some(itself) = itself {
        println!("a plain UPDATE beside it, without the application, waited at most {itself:?}");
    }
    println!("memory: {before:.0} MB before, {:.0} MB at most", memory_mb("VmHWM"));
    println!("the busy session answered after {:?} and {refused} refusals", asked.elapsed());
    println!("changes that came before their clients hung up: {}", counted.rsplit("\r\n").next().unwrap_or_default());
}
