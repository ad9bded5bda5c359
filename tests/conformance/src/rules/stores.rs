//! The verbs of a store, without the engine.

use super::{cookie, get, signed_in};
use crate::{Bench, Framework};
use http::header;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use waxseal_core::Secret;
use waxseal_http::{
    Admission, Found, Limit, OverLimit, Page, Row, RowId, Store, StoreError, TOMBSTONE_S, Timestamp, Touch, Update,
    Wanted, Which,
};

/// The client goes away in the middle of a save: it ends all the same. (Over a socket the whole request may be dropped before
/// its handler ends; the engine by hand shows the rule alone.)
pub async fn a_save_once_begun_runs_to_its_end(bench: &Bench) {
    if bench.framework != Framework::Engine {
        return;
    }
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    for n in 0..20 {
        let mut headers = http::HeaderMap::new();
        headers.insert(header::COOKIE, cookie(&app, browser.cookie.as_deref().unwrap().as_bytes()));
        let session = app.sessions.open(&headers);
        session.get::<u64>("n").await.unwrap();
        session.insert("n", n).unwrap();
        let mut answer = http::HeaderMap::new();
        {
            // Polled until its statement is under way, then dropped. (One that waits for its turn leaves with its client.)
            let mut commit = pin!(app.sessions.commit(&session, http::StatusCode::OK, &mut answer));
            bench.probe.take_calls();
            while !poll_fn(|context| Poll::Ready(commit.as_mut().poll(context).is_ready())).await
                && bench.probe.take_calls().update == 0
            {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        drop(session);
        for _ in 0..500 {
            if browser.run(&[get("n")]).await == [n] {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(browser.run(&[get("n")]).await, [n]);
    }
}

fn row(bench: &Bench, n: u8, subject: Option<&str>) -> Row {
    let created_at = bench.now();
    Row {
        id: RowId::derive(&Secret::from_bytes([n; 32]), created_at),
        generation: 1,
        subject: subject.map(String::from),
        label: None,
        created_at,
        lifetime_s: 1000,
        seen_at: created_at.whole_seconds(),
        expires_at: created_at.plus_seconds(100),
        data: vec![n; 40],
    }
}

async fn found(store: &dyn Store, id: RowId) -> Option<Row> {
    store.load(Wanted::newest(id)).await.unwrap().and_then(Found::session)
}

pub async fn store_rows_come_back_as_they_went(bench: &Bench) {
    let store = bench.probe.store();
    let mut all = row(bench, 1, Some("ada ☃ \u{10348}"));
    all.label = Some("Ünïcode on 手机".into());
    all.data = (0..=255).cycle().take(70_000).collect();
    let none = row(bench, 2, None);
    for row in [&all, &none] {
        store.insert(row.clone()).await.unwrap();
        assert_eq!(found(store, row.id).await.as_ref(), Some(row));
    }
    assert_eq!(store.load(Wanted::newest(row(bench, 3, None).id)).await.unwrap(), None);
}

pub async fn store_inserts_never_overwrite(bench: &Bench) {
    let store = bench.probe.store();
    let first = row(bench, 1, Some("ada"));
    store.insert(first.clone()).await.unwrap();
    let second = Row { data: vec![9], ..first.clone() };
    assert!(matches!(store.insert(second).await, Err(StoreError::AlreadyExists)));
    assert_eq!(found(store, first.id).await, Some(first));
}

pub async fn store_updates_need_the_generation_and_a_live_row(bench: &Bench) {
    let store = bench.probe.store();
    let first = row(bench, 1, Some("ada"));
    let now = bench.now();
    let update =
        |generation, now| Update { id: first.id, generation, now, data: b"new", label: Some("l"), touch: None };
    assert!(!store.update(update(1, now)).await.unwrap(), "never inserts");
    assert_eq!(found(store, first.id).await, None);
    store.insert(first.clone()).await.unwrap();
    assert!(!store.update(update(2, now)).await.unwrap());
    assert!(!store.update(update(1, first.expires_at)).await.unwrap(), "expired at equality");
    assert_eq!(found(store, first.id).await.as_ref(), Some(&first));
    assert!(store.update(update(1, now)).await.unwrap());
    let saved = Row { generation: 2, data: b"new".to_vec(), label: Some("l".into()), ..first.clone() };
    assert_eq!(found(store, first.id).await.as_ref(), Some(&saved), "the times stay");
    assert!(!store.update(update(1, now)).await.unwrap());
    let touch = Touch { seen_at: now.plus_seconds(10), expires_at: now.plus_seconds(110) };
    let touching = Update { label: None, touch: Some(touch), ..update(2, now) };
    assert!(store.update(touching).await.unwrap());
    let touched = Row { generation: 3, seen_at: touch.seen_at, expires_at: touch.expires_at, ..saved };
    assert_eq!(found(store, first.id).await, Some(touched), "the label stays");
}

pub async fn store_touches_move_times_forward_only(bench: &Bench) {
    let store = bench.probe.store();
    let first = row(bench, 1, None);
    let at = |seconds| Touch {
        seen_at: bench.now().plus_seconds(seconds),
        expires_at: bench.now().plus_seconds(seconds + 100),
    };
    assert!(!store.touch(first.id, 1, at(10)).await.unwrap());
    store.insert(first.clone()).await.unwrap();
    assert!(!store.touch(first.id, 1, at(0)).await.unwrap(), "seen already");
    assert!(!store.touch(first.id, 2, at(10)).await.unwrap(), "another generation");
    assert!(store.touch(first.id, 1, at(10)).await.unwrap());
    assert!(!store.touch(first.id, 1, at(5)).await.unwrap());
    let touched = Row { seen_at: at(10).seen_at, expires_at: at(10).expires_at, ..first.clone() };
    assert_eq!(found(store, first.id).await.as_ref(), Some(&touched));
    assert!(!store.touch(first.id, 1, at(110)).await.unwrap(), "expired rows stay dead");
    assert_eq!(found(store, first.id).await, Some(touched));
}

pub async fn store_rotation_is_all_or_nothing(bench: &Bench) {
    let store = bench.probe.store();
    let (old, new) = (row(bench, 1, Some("ada")), row(bench, 2, Some("ada")));
    assert!(!store.rotate(old.id, 1, new.clone()).await.unwrap());
    assert_eq!(found(store, new.id).await, None, "no old row, no new row");
    store.insert(old.clone()).await.unwrap();
    assert!(!store.rotate(old.id, 2, new.clone()).await.unwrap(), "another generation");
    let late = Row { seen_at: old.expires_at, ..new.clone() };
    assert!(!store.rotate(old.id, 1, late).await.unwrap(), "expired");
    assert_eq!(found(store, old.id).await.as_ref(), Some(&old));
    let taken = row(bench, 3, None);
    store.insert(taken.clone()).await.unwrap();
    let clash = Row { id: taken.id, ..new.clone() };
    assert!(matches!(store.rotate(old.id, 1, clash).await, Err(StoreError::AlreadyExists)));
    assert_eq!(found(store, old.id).await.as_ref(), Some(&old), "rolled back");
    assert!(store.rotate(old.id, 1, new.clone()).await.unwrap());
    assert_eq!(found(store, old.id).await, None);
    assert_eq!(found(store, new.id).await, Some(new.clone()));
    assert!(!store.rotate(old.id, 1, row(bench, 4, None)).await.unwrap());
}

pub async fn store_of_rotations_at_once_one_wins(bench: &Bench) {
    let store = bench.probe.clone();
    let old = row(bench, 1, Some("ada"));
    store.store().insert(old.clone()).await.unwrap();
    let rotations: Vec<_> = (2..18)
        .map(|n| {
            let (store, new) = (store.clone(), row(bench, n, Some("ada")));
            let old = old.id;
            tokio::spawn(async move { store.store().rotate(old, 1, new).await.unwrap() })
        })
        .collect();
    let mut wins = 0;
    for rotation in rotations {
        wins += u32::from(rotation.await.unwrap());
    }
    assert_eq!(wins, 1);
    assert_eq!(store.store().list_by_subject("ada", bench.now(), Page::first(100)).await.unwrap().len(), 1);
}

pub async fn store_subjects_are_compared_byte_by_byte(bench: &Bench) {
    let store = bench.probe.store();
    for (n, subject) in ["ada", "Ada", "adä", "ad"].into_iter().enumerate() {
        store.insert(row(bench, n as u8, Some(subject))).await.unwrap();
    }
    store.insert(row(bench, 9, None)).await.unwrap();
    let listed = store.list_by_subject("ada", bench.now(), Page::first(100)).await.unwrap();
    assert_eq!(listed, [Row { data: vec![], ..row(bench, 0, Some("ada")) }]);
    assert_eq!(store.delete_by_subject("ADA", Which::All, bench.now()).await.unwrap(), 0);
    assert_eq!(store.delete_by_subject("ada", Which::Only(row(bench, 1, None).id), bench.now()).await.unwrap(), 0);
    assert_eq!(store.delete_by_subject("ada", Which::AllBut(row(bench, 0, None).id), bench.now()).await.unwrap(), 0);
    assert_eq!(store.delete_by_subject("ada", Which::All, bench.now()).await.unwrap(), 1);
    store.end_many(&[row(bench, 1, None).id], bench.now()).await.unwrap();
    assert_eq!(store.list_by_subject("Ada", bench.now(), Page::first(100)).await.unwrap(), []);
    assert_eq!(store.list_by_subject("ad", bench.now(), Page::first(100)).await.unwrap().len(), 1);
    assert_eq!(
        store.list_by_subject("ad", bench.now().plus_seconds(100), Page::first(100)).await.unwrap(),
        [],
        "live ones only"
    );
}

pub async fn store_sweeps_expired_rows_in_batches(bench: &Bench) {
    let store = bench.probe.store();
    for n in 0..25 {
        store.insert(row(bench, n, None)).await.unwrap();
    }
    let mut live = row(bench, 99, None);
    live.expires_at = live.created_at.plus_seconds(101);
    store.insert(live.clone()).await.unwrap();
    let now = bench.now();
    assert_eq!(store.delete_expired(now.plus_seconds(99), 10).await.unwrap(), 0);
    let at = now.plus_seconds(100);
    let mut deleted = Vec::new();
    for _ in 0..4 {
        deleted.push(store.delete_expired(at, 10).await.unwrap());
    }
    assert_eq!(deleted, [10, 10, 5, 0]);
    assert!(found(store, live.id).await.is_some());
}

pub async fn store_remembers_for_a_while_what_was_ended(bench: &Bench) {
    let store = bench.probe.store();
    let rows: Vec<Row> = (0..5).map(|n| row(bench, n, Some("ada"))).collect();
    for row in &rows[..4] {
        store.insert(row.clone()).await.unwrap();
    }
    let now = bench.now();
    let at = now.plus_seconds(7);
    store.end_many(&[rows[0].id], at).await.unwrap();
    assert_eq!(store.delete_by_subject("ada", Which::Only(rows[1].id), at).await.unwrap(), 1);
    let new = Row { seen_at: at, ..rows[4].clone() };
    assert!(store.rotate(rows[2].id, 1, new).await.unwrap());
    assert_eq!(store.delete_by_subject("ada", Which::AllBut(rows[4].id), at).await.unwrap(), 1);
    for ended in &rows[..4] {
        // An end that arrives late makes no tombstone older: a sign-in looks whether all sessions of its user ended after it began.
        store.end_many(&[ended.id], now).await.unwrap();
        assert_eq!(store.load(Wanted::newest(ended.id)).await.unwrap(), Some(Found::Ended(at)));
        // A tombstone is no session for any other verb.
        for generation in [0, 1] {
            let update = Update { id: ended.id, generation, now: at, data: b"new", label: None, touch: None };
            assert!(generation == 0 || !store.update(update).await.unwrap());
            let touch = Touch { seen_at: at.plus_seconds(1), expires_at: at.plus_seconds(9) };
            assert!(generation == 0 || !store.touch(ended.id, generation, touch).await.unwrap());
            assert!(generation == 0 || !store.rotate(ended.id, generation, row(bench, 9, None)).await.unwrap());
        }
        assert!(matches!(store.insert(ended.clone()).await, Err(StoreError::AlreadyExists)));
        assert_eq!(store.load(Wanted::newest(ended.id)).await.unwrap(), Some(Found::Ended(at)));
    }
    assert_eq!(store.list_by_subject("ada", now, Page::first(100)).await.unwrap().len(), 1);
    assert_eq!(store.delete_expired(at.plus_seconds(TOMBSTONE_S - 1), 100).await.unwrap(), 1, "the live one, by then");
    assert_eq!(store.delete_expired(at.plus_seconds(TOMBSTONE_S), 100).await.unwrap(), 4);
    assert_eq!(store.load(Wanted::newest(rows[0].id)).await.unwrap(), None);
}

pub async fn store_loads_and_ends_many_at_once(bench: &Bench) {
    let store = bench.probe.store();
    let rows: Vec<Row> = (0..3).map(|n| row(bench, n, Some("ada"))).collect();
    for row in &rows[..2] {
        store.insert(row.clone()).await.unwrap();
    }
    let ids = [rows[2].id, rows[1].id, rows[0].id, rows[1].id];
    let session = |n: usize| Some(Found::Session(rows[n].clone()));
    assert_eq!(store.load_many(&ids.map(Wanted::newest)).await.unwrap(), [None, session(1), session(0), session(1)]);
    let at = bench.now().plus_seconds(3);
    store.end_many(&ids[..2], at).await.unwrap();
    let ended = Some(Found::Ended(at));
    let expected = [ended.clone(), ended.clone(), session(0), ended.clone()];
    assert_eq!(store.load_many(&ids.map(Wanted::newest)).await.unwrap(), expected, "also where there was no row");
    let inserted = store.insert(rows[2].clone()).await;
    assert!(matches!(inserted, Err(StoreError::AlreadyExists)), "what has ended cannot arrive late");
    assert_eq!(store.delete_expired(at.plus_seconds(TOMBSTONE_S), 100).await.unwrap(), 3);
}

pub async fn store_lists_come_in_pages(bench: &Bench) {
    let store = bench.probe.store();
    for n in 0..7 {
        let mut row = row(bench, n, Some("ada"));
        // Several are seen in the same second.
        row.seen_at = row.seen_at.plus_seconds(u64::from(n / 3));
        store.insert(row).await.unwrap();
    }
    let all = store.list_by_subject("ada", bench.now(), Page::first(100)).await.unwrap();
    assert_eq!(all.len(), 7);
    let mut paged = Vec::new();
    let mut page = Page::first(2);
    loop {
        let rows = store.list_by_subject("ada", bench.now(), page).await.unwrap();
        let Some(last) = rows.last() else { break };
        page.after = Some((last.seen_at, last.id));
        paged.extend(rows);
    }
    assert_eq!(paged, all);
}

pub async fn store_counts_a_subjects_sessions(bench: &Bench) {
    let store = bench.probe.store();
    let lock = RowId::from_bytes([0x8f; 16]);
    let before = Timestamp::from_unix_ms(0);
    let ending = Limit { sessions: 2, over: OverLimit::EndOldest, lock, seen_after: before, created_after: before };
    let refusing = Limit { over: OverLimit::Refuse, ..ending };
    let rows: Vec<Row> = (0..6).map(|n| row(bench, n, Some("ada"))).collect();
    store.insert(row(bench, 9, Some("bob"))).await.unwrap();
    for row in &rows[..2] {
        assert_eq!(store.admit(None, row.clone(), refusing).await.unwrap(), Admission::Done);
    }
    assert_eq!(store.admit(None, rows[2].clone(), refusing).await.unwrap(), Admission::Refused);
    assert_eq!(store.load(Wanted::newest(rows[2].id)).await.unwrap(), None, "nothing was written");
    let old = Some((rows[0].id, 1));
    assert_eq!(store.admit(old, rows[3].clone(), refusing).await.unwrap(), Admission::Done, "one goes, one comes");
    assert_eq!(store.admit(old, rows[4].clone(), ending).await.unwrap(), Admission::Conflict, "it has gone");
    assert_eq!(store.admit(None, rows[5].clone(), ending).await.unwrap(), Admission::Done);
    let listed = store.list_by_subject("ada", bench.now(), Page::first(100)).await.unwrap();
    assert_eq!(listed.len(), 2, "the oldest has ended");
    assert!(listed.iter().any(|row| row.id == rows[5].id));
    assert_eq!(store.list_by_subject("bob", bench.now(), Page::first(100)).await.unwrap().len(), 1);
    let [one, another] = [6, 7].map(|n| row(bench, n, Some("ada")));
    assert_eq!(store.admit(None, one.clone(), refusing).await.unwrap(), Admission::Refused);
    // By the present maxima the others have ended, whatever their rows say.
    let by_seen = Limit { seen_after: one.seen_at, ..refusing };
    let by_created = Limit { created_after: one.created_at, ..refusing };
    assert_eq!(store.admit(None, one, by_seen).await.unwrap(), Admission::Done);
    assert_eq!(store.admit(None, another, by_created).await.unwrap(), Admission::Done);
}

pub async fn store_tells_what_has_ended(bench: &Bench) {
    let store = bench.probe.store();
    let rows: Vec<Row> = (0..4).map(|n| row(bench, n, Some("ada"))).collect();
    for row in &rows {
        store.insert(row.clone()).await.unwrap();
    }
    let now = bench.now();
    store.end_many(&[rows[0].id], now).await.unwrap();
    store.end_many(&[rows[1].id], now.plus_seconds(10)).await.unwrap();
    store.delete_by_subject("ada", Which::Only(rows[2].id), now.plus_seconds(20)).await.unwrap();
    let mut ended = store.ended_since(now.plus_seconds(5), 100).await.unwrap();
    ended.sort_unstable();
    let mut expected = vec![rows[1].id, rows[2].id];
    expected.sort_unstable();
    assert_eq!(ended, expected);
    assert_eq!(store.ended_since(now, 2).await.unwrap().len(), 2, "no more than were asked for");
}
