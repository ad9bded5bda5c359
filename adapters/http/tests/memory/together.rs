//! Many threads at once.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use waxseal_http::{MemoryStore, Page, Store, StoreError, Which};

use crate::{at, done, id, is_there, row};

#[test]
fn the_bounds_hold_and_no_sign_in_is_refused() {
    for capacity in [40, 5000] {
        let store = MemoryStore::with_capacity(capacity);
        let next = AtomicU64::new(1000);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..10_000 {
                        done(store.insert(row(next.fetch_add(1, Ordering::Relaxed), None, 1))).unwrap();
                        assert!(store.len() <= capacity);
                    }
                });
            }
            scope.spawn(|| {
                for n in 0..30 {
                    done(store.insert(row(n, Some("ada"), 1))).unwrap();
                    for _ in 0..20 {
                        thread::yield_now();
                    }
                }
            });
        });
        assert!((0..30).all(|n| is_there(&store, n)));
        let there = (0..next.into_inner()).filter(|n| is_there(&store, *n)).count();
        assert_eq!(store.len(), there);
        assert_eq!(done(store.delete_expired(at(9999), u32::MAX)).unwrap(), there as u64);
        assert_eq!((store.len(), store.bytes()), (0, 0));
    }
}

#[test]
fn a_session_that_is_being_renewed_does_not_slip_through() {
    for round in 0..200 {
        let store = MemoryStore::new();
        thread::scope(|scope| {
            for chain in 0..3_u64 {
                let store = &store;
                let first = (round * 10 + chain) << 32;
                done(store.insert(row(first, Some("ada"), 0))).unwrap();
                scope.spawn(move || {
                    let mut n = first;
                    while done(store.rotate(id(n), 1, row(n + 1, Some("ada"), 0))).unwrap() {
                        n += 1;
                    }
                });
            }
            thread::yield_now();
            assert_eq!(
                done(store.list_by_subject("ada", at(0), Page::first(9))).unwrap().len(),
                3,
                "each is there once"
            );
            assert_eq!(done(store.delete_by_subject("ada", Which::All, at(1))).unwrap(), 3);
        });
        assert_eq!(done(store.list_by_subject("ada", at(0), Page::first(9))).unwrap(), []);
    }
}

#[test]
fn of_insertions_of_one_id_one_lands() {
    let store = MemoryStore::with_capacity(4);
    let landed = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| match done(store.insert(row(1, None, 0))) {
                Ok(()) => {
                    landed.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => assert!(matches!(error, StoreError::AlreadyExists)),
            });
        }
    });
    assert_eq!((landed.into_inner(), store.len()), (1, 1));
}
