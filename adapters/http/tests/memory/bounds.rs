//! What goes when the store is full, in which order, and when a session is refused.

use waxseal_http::{MemoryStore, Row, Store, StoreError, TOMBSTONE_S, Update, Which};

use crate::{at, done, id, insert, is_ended, is_there, row};

#[test]
fn expired_sessions_and_old_tombstones_go_first() {
    let store = MemoryStore::with_capacity(3);
    insert(&store, row(1, None, 500));
    insert(&store, Row { expires_at: at(TOMBSTONE_S), ..row(2, Some("ada"), 500) });
    insert(&store, row(3, Some("ada"), 0));
    done(store.end_many(&[id(3)], at(0))).unwrap();
    insert(&store, row(4, None, TOMBSTONE_S - 1));
    assert!(!is_there(&store, 1), "nothing had had its time, so the anonymous one went");
    insert(&store, row(5, None, TOMBSTONE_S));
    insert(&store, row(6, None, TOMBSTONE_S));
    assert!(is_there(&store, 4) && is_there(&store, 5) && is_there(&store, 6));
    assert_eq!(store.len(), 3);
}

#[test]
fn anonymous_sessions_go_in_the_order_of_their_last_use() {
    let store = MemoryStore::with_capacity(4);
    for n in 0..4 {
        insert(&store, row(n, (n == 2).then_some("ada"), n));
    }
    assert!(is_there(&store, 0), "a use");
    insert(&store, row(4, Some("ada"), 10));
    assert!(is_there(&store, 0) && !is_there(&store, 1));
    insert(&store, row(5, None, 11));
    assert!(!is_there(&store, 3));
    for n in 6..20 {
        insert(&store, row(n, None, n));
    }
    assert!(is_there(&store, 2) && is_there(&store, 4) && is_there(&store, 19));
    assert_eq!(store.len(), 4);
}

#[test]
fn tombstones_of_the_signed_in_outlast_a_flood() {
    let store = MemoryStore::with_capacity(100);
    insert(&store, row(1, Some("ada"), 0));
    insert(&store, row(2, Some("ada"), 0));
    insert(&store, row(3, None, 0));
    insert(&store, row(4, None, 0));
    assert_eq!(done(store.delete_by_subject("ada", Which::Only(id(1)), at(1))).unwrap(), 1);
    done(store.end_many(&[id(2), id(3)], at(1))).unwrap();
    // An anonymous session ends with a sign-in: its tombstone keeps late requests from replacing the new cookie.
    assert!(done(store.rotate(id(4), 1, row(5, Some("ada"), 1))).unwrap());
    for n in 1000..2000 {
        insert(&store, row(n, None, 2));
    }
    assert!(is_ended(&store, 1) && is_ended(&store, 2) && is_ended(&store, 4) && is_there(&store, 5));
    assert!(!is_ended(&store, 3), "that of an anonymous session is evicted like one");
}

#[test]
fn a_session_is_refused_only_where_live_signed_in_ones_are_all_that_remains() {
    let store = MemoryStore::with_capacity(3);
    for n in 0..3 {
        insert(&store, row(n, Some("ada"), 0));
    }
    assert!(matches!(done(store.insert(row(3, None, 1))), Err(StoreError::Full(3))));
    assert!(matches!(done(store.insert(row(3, Some("bob"), 1))), Err(StoreError::Full(3))));
    assert!(done(store.rotate(id(0), 1, row(4, Some("ada"), 1))).unwrap(), "a renewal needs no room");
    assert!(is_there(&store, 4) && !is_there(&store, 0) && !is_ended(&store, 0));
    done(store.end_many(&[id(9)], at(1))).unwrap();
    assert_eq!(store.len(), 3);
    done(store.end_many(&[id(1)], at(1))).unwrap();
    assert!(is_ended(&store, 1));
    insert(&store, row(5, Some("bob"), 1));
    assert!(!is_ended(&store, 1), "the last thing to go is a tombstone");
    assert!(is_there(&store, 2) && is_there(&store, 4) && is_there(&store, 5));
    assert!(matches!(done(store.insert(row(5, None, 1))), Err(StoreError::AlreadyExists)), "the same when full");
}

#[test]
fn large_sessions_are_bounded_by_their_bytes() {
    const MAX: usize = 10 << 20;
    let store = MemoryStore::new().max_bytes(MAX);
    let large = |n, subject| Row { data: vec![1; 60_000], ..row(n, subject, 0) };
    for n in 0..20 {
        insert(&store, large(n, Some("ada")));
    }
    for n in 20..1000 {
        insert(&store, large(n, None));
        assert!(store.bytes() <= MAX);
    }
    assert!((150..=174).contains(&store.len()), "{}", store.len());
    assert!((0..20).all(|n| is_there(&store, n)));
    // Growing takes room too: from the others, never from the session itself.
    let grow = |n, length| {
        done(store.update(Update {
            id: id(n),
            generation: 1,
            now: at(1),
            data: &vec![2; length],
            label: None,
            touch: None,
        }))
    };
    insert(&store, row(1000, None, 1));
    assert!(grow(1000, 5 << 20).unwrap());
    assert!(store.bytes() <= MAX && is_there(&store, 1000));
    assert!(matches!(grow(0, 11 << 20), Err(StoreError::Full(_))), "more than all");
    assert!(matches!(grow(0, 9 << 20), Err(StoreError::Full(_))), "more than the other signed-in sessions leave");
    assert!((0..20).all(|n| is_there(&store, n)));
    assert!(matches!(done(store.insert(Row { data: vec![0; MAX], ..row(1001, None, 1) })), Err(StoreError::Full(_))));
    // What was taken is given back.
    while done(store.delete_expired(at(5000), 100)).unwrap() > 0 {}
    assert_eq!((store.len(), store.bytes()), (0, 0));
}

#[test]
fn a_buffer_is_not_kept_for_a_session_that_has_shrunk() {
    let store = MemoryStore::new();
    insert(&store, Row { data: vec![1; 60_000], ..row(1, None, 0) });
    let update = Update { id: id(1), generation: 1, now: at(1), data: b"small", label: Some("a label"), touch: None };
    assert!(done(store.update(update)).unwrap());
    assert!(store.bytes() < 1000, "{}", store.bytes());
}
