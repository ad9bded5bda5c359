//! A flood of visitors who never come back.

use std::time::{Duration, Instant};

use waxseal_http::{MemoryStore, Store};

use crate::{done, id, insert, is_there, row};

#[test]
fn a_flood_ends_no_signed_in_session_and_refuses_no_sign_in() {
    let store = MemoryStore::with_capacity(10_000);
    for n in 0..100 {
        insert(&store, row(n, Some(&format!("user {n}")), 0));
    }
    let visitor = 100;
    insert(&store, row(visitor, None, 0));
    for n in 1000..301_000 {
        insert(&store, row(n, None, 1));
        if n % 1000 == 0 {
            assert!(is_there(&store, visitor), "who keeps coming back is kept");
            assert!(store.len() <= 10_000);
        }
    }
    assert_eq!(store.len(), 10_000);
    assert!((0..100).all(|n| is_there(&store, n)));
    insert(&store, row(101, Some("grace"), 2));
    assert!(done(store.rotate(id(visitor), 1, row(102, Some("alan"), 2))).unwrap());
    assert!(is_there(&store, 101) && is_there(&store, 102));
    assert_eq!(store.len(), 10_000);
}

/// A full store evicts with every insertion, and must not look for what to evict: 30,000 sessions into an empty store, then as
/// many into a full one. The least of several runs counts, and the bound is wide, for other tests run beside this one: a scan
/// would cost some hundred times as much.
#[test]
fn an_insertion_into_a_full_store_costs_little_more() {
    const MANY: u64 = 30_000;
    let (mut empty, mut full) = (Duration::MAX, Duration::MAX);
    for _ in 0..5 {
        let store = MemoryStore::with_capacity(MANY as usize);
        let fill = |from: u64| {
            let rows: Vec<_> = (from..from + MANY).map(|n| row(n, None, 0)).collect();
            let start = Instant::now();
            for row in rows {
                insert(&store, row);
            }
            start.elapsed()
        };
        empty = empty.min(fill(0));
        full = full.min(fill(MANY));
        assert_eq!(store.len(), MANY as usize);
    }
    println!("empty {:?}, full {:?} an insertion", empty / MANY as u32, full / MANY as u32);
    assert!(full < empty * 10, "{full:?} for what took {empty:?}");
}
