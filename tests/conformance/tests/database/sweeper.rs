//! The sweeper.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use waxseal_conformance::Probe;
use waxseal_http::{MemoryStore, Row, RowId, Store, Timestamp};
use waxseal_sea_orm::Sweeper;

fn expired_row(n: u8) -> Row {
    let created_at = Timestamp::from_unix_seconds(1000);
    let mut id = [n; 16];
    id[0] = 1;
    Row {
        id: RowId::from_bytes(id),
        generation: 1,
        subject: None,
        label: None,
        created_at,
        lifetime_s: 10,
        seen_at: created_at,
        expires_at: created_at.plus_seconds(10),
        data: vec![],
    }
}

#[tokio::test(start_paused = true)]
async fn the_sweeper_survives_errors_and_stops_when_dropped() {
    let memory = Arc::new(MemoryStore::new());
    for n in 0..25 {
        memory.insert(expired_row(n)).await.unwrap();
    }
    let probe = Probe::new(memory.clone());
    assert_eq!(
        Sweeper::new(probe.clone()).batch(10).clock(|| Timestamp::from_unix_seconds(1009)).sweep().await.unwrap(),
        0
    );
    probe.set_down(true);
    assert!(Sweeper::new(probe.clone()).sweep().await.is_err());
    let time = Arc::new(AtomicU64::new(2000));
    let clock = {
        let time = time.clone();
        move || Timestamp::from_unix_seconds(time.load(Ordering::SeqCst))
    };
    let sweeper = Sweeper::new(probe.clone()).batch(10).interval(Duration::from_secs(60)).clock(clock).spawn();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(memory.len(), 25, "the database is away");
    let tries = probe.take_calls().other;
    assert!((3..8).contains(&tries), "it backs off: {tries} tries in 10 minutes");
    probe.set_down(false);
    tokio::time::sleep(Duration::from_secs(1200)).await;
    assert_eq!(memory.len(), 0, "and goes on");
    memory.insert(expired_row(1)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(memory.len(), 0);
    drop(sweeper);
    memory.insert(expired_row(1)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10_000)).await;
    assert_eq!(memory.len(), 1, "stopped");
}
