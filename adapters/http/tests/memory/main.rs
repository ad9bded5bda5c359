//! The store in memory: its bounds, what it evicts in which order, and its verbs against a model.

#![allow(missing_docs, clippy::unwrap_used)]

mod bounds;
mod flood;
mod model;
mod together;

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use waxseal_http::{Found, MemoryStore, Row, RowId, Store, Timestamp, Wanted};

/// The result of a future that never waits, as those of this store.
fn done<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the store in memory waits for nothing"),
    }
}

/// Seconds after some moment.
fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(1_790_000_000 + second)
}

/// An id like those of sessions, with random bits that follow from `n`.
fn id(n: u64) -> RowId {
    let mut mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    mixed ^= mixed >> 32;
    RowId::from_bytes(((0x0198_0000_0000_7000_u128 << 64) | u128::from(mixed >> 2 | 1 << 63)).to_be_bytes())
}

/// A session that is made at `second` and expires 1000 seconds later.
fn row(n: u64, subject: Option<&str>, second: u64) -> Row {
    Row {
        id: id(n),
        generation: 1,
        subject: subject.map(String::from),
        label: None,
        created_at: at(second),
        lifetime_s: 100_000,
        seen_at: at(second),
        expires_at: at(second + 1000),
        data: vec![7; 40],
    }
}

fn insert(store: &MemoryStore, row: Row) {
    done(store.insert(row)).unwrap();
}

fn load(store: &MemoryStore, n: u64) -> Option<Found> {
    done(store.load(Wanted::newest(id(n)))).unwrap()
}

fn is_there(store: &MemoryStore, n: u64) -> bool {
    matches!(load(store, n), Some(Found::Session(_)))
}

fn is_ended(store: &MemoryStore, n: u64) -> bool {
    matches!(load(store, n), Some(Found::Ended(_)))
}
