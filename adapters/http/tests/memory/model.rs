//! Random verbs against a simple model. In a bounded store what may be evicted may be gone, and nothing else.

use std::{cmp::Reverse, collections::BTreeMap};

use proptest::prelude::*;
use waxseal_http::{
    Found, MemoryStore, Page, Row, RowId, Store, StoreError, TOMBSTONE_S, Timestamp, Touch, Update, Wanted, Which,
};

use crate::{at, done, id, row};

const SUBJECTS: [Option<&str>; 3] = [None, Some("ada"), Some("bob")];

#[derive(Clone, Debug)]
enum Verb {
    Load(u64),
    Insert(u64, usize, usize),
    Update(u64, usize, bool),
    Touch(u64),
    Rotate(u64, u64, usize, usize),
    End(Vec<u64>),
    DeleteExpired(u32),
    List(usize, u32),
    DeleteBySubject(usize, Option<(bool, u64)>),
    Wait(u64),
}

fn verb() -> impl Strategy<Value = Verb> {
    let (n, subject, size) = (0..16_u64, 0..SUBJECTS.len(), prop_oneof![Just(40_usize), 0..3000_usize]);
    prop_oneof![
        2 => n.clone().prop_map(Verb::Load),
        6 => (n.clone(), subject.clone(), size.clone()).prop_map(|(n, subject, size)| Verb::Insert(n, subject, size)),
        3 => (n.clone(), size.clone(), any::<bool>()).prop_map(|(n, size, touch)| Verb::Update(n, size, touch)),
        2 => n.clone().prop_map(Verb::Touch),
        3 => (n.clone(), n.clone(), subject.clone(), size).prop_map(|(old, new, subject, size)| Verb::Rotate(old, new, subject, size)),
        2 => prop::collection::vec(n.clone(), 1..4).prop_map(Verb::End),
        1 => (0..5_u32).prop_map(Verb::DeleteExpired),
        1 => (subject.clone(), 0..4_u32).prop_map(|(subject, limit)| Verb::List(subject, limit)),
        1 => (subject, prop::option::of((any::<bool>(), n))).prop_map(|(subject, which)| Verb::DeleteBySubject(subject, which)),
        2 => prop_oneof![Just(1_u64), Just(100), Just(TOMBSTONE_S), Just(1000)].prop_map(Verb::Wait),
    ]
}

struct Model {
    store: MemoryStore,
    entries: BTreeMap<RowId, Found>,
    second: u64,
    /// Nothing is evicted: the bounds are far.
    roomy: bool,
}

impl Model {
    fn new(store: MemoryStore, roomy: bool) -> Self {
        Self { store, entries: BTreeMap::new(), second: 0, roomy }
    }

    fn now(&self) -> Timestamp {
        at(self.second)
    }

    fn live(&mut self, n: u64) -> Option<&mut Row> {
        let now = self.now();
        match self.entries.get_mut(&id(n)) {
            Some(Found::Session(row)) if !row.is_expired(now) => Some(row),
            _ => None,
        }
    }

    fn generation(&mut self, n: u64) -> u64 {
        self.live(n).map_or(1, |row| row.generation)
    }

    fn is_over(&self, found: &Found) -> bool {
        match found {
            Found::Session(row) => row.is_expired(self.now()),
            Found::Ended(at) => self.now().has_reached(at.plus_seconds(TOMBSTONE_S)),
        }
    }

    fn is_kept(&self, found: &Found) -> bool {
        !self.is_over(found) && matches!(found, Found::Session(row) if row.subject.is_some())
    }

    fn end(&mut self, id: RowId) {
        self.entries.insert(id, Found::Ended(self.now()));
    }

    /// What the store has is what the model has; but for what was evicted, which the model forgets.
    fn compare(&mut self) {
        let entries = std::mem::take(&mut self.entries);
        for (id, found) in entries {
            match done(self.store.load(Wanted::newest(id))).unwrap() {
                None => assert!(!self.roomy && !self.is_kept(&found), "evicted: {found:?}"),
                there => {
                    assert_eq!(there.as_ref(), Some(&found));
                    self.entries.insert(id, found);
                }
            }
        }
        assert_eq!(self.store.len(), self.entries.len());
    }

    /// A refusal is right where all but `own` must be kept.
    fn check_full(&mut self, own: Option<u64>) {
        self.compare();
        assert!(!self.roomy);
        for (key, found) in &self.entries {
            assert!(own.map(id) == Some(*key) || self.is_kept(found), "full beside {found:?}");
        }
    }

    fn run(&mut self, verb: &Verb) {
        let now = self.now();
        match *verb {
            Verb::Load(n) => {
                assert_eq!(done(self.store.load(Wanted::newest(id(n)))).unwrap(), self.entries.get(&id(n)).cloned())
            }
            Verb::Insert(n, subject, size) => {
                let row = Row { data: vec![1; size], ..row(n, SUBJECTS[subject], self.second) };
                match done(self.store.insert(row.clone())) {
                    Ok(()) => assert_eq!(self.entries.insert(row.id, Found::Session(row)), None),
                    Err(StoreError::AlreadyExists) => assert!(self.entries.contains_key(&row.id)),
                    Err(_) => self.check_full(None),
                }
            }
            Verb::Update(n, size, touched) => {
                let generation = self.generation(n);
                let touch = touched.then(|| Touch { seen_at: now, expires_at: at(self.second + 700) });
                let data = vec![2; size];
                let update = Update { id: id(n), generation, now, data: &data, label: Some("l"), touch };
                match done(self.store.update(update)) {
                    Err(_) => self.check_full(Some(n)),
                    Ok(saved) => {
                        let present = self.live(n);
                        assert_eq!(saved, present.is_some());
                        if let Some(row) = present {
                            row.data = data;
                            row.label = Some("l".into());
                            row.generation += 1;
                            row.seen_at = touch.map_or(row.seen_at, |touch| touch.seen_at);
                            row.expires_at = touch.map_or(row.expires_at, |touch| touch.expires_at);
                        }
                    }
                }
            }
            Verb::Touch(n) => {
                let generation = self.generation(n);
                let touch = Touch { seen_at: now, expires_at: at(self.second + 1000) };
                let moved = done(self.store.touch(id(n), generation, touch)).unwrap();
                let present = self.live(n).filter(|row| row.seen_at < now);
                assert_eq!(moved, present.is_some());
                if let Some(row) = present {
                    (row.seen_at, row.expires_at) = (touch.seen_at, touch.expires_at);
                }
            }
            Verb::Rotate(old, new, subject, size) => {
                let generation = self.generation(old);
                let new = Row { data: vec![3; size], ..row(new, SUBJECTS[subject], self.second) };
                let (is_live, is_taken) = (self.live(old).is_some(), self.entries.contains_key(&new.id));
                match done(self.store.rotate(id(old), generation, new.clone())) {
                    Ok(rotated) => {
                        assert_eq!(rotated, is_live);
                        if rotated {
                            assert!(!is_taken);
                            self.end(id(old));
                            self.entries.insert(new.id, Found::Session(new));
                        }
                    }
                    Err(StoreError::AlreadyExists) => assert!(is_live && is_taken),
                    Err(_) => self.check_full(Some(old)),
                }
            }
            Verb::End(ref ids) => {
                let ids: Vec<_> = ids.iter().map(|n| id(*n)).collect();
                done(self.store.end_many(&ids, now)).unwrap();
                ids.into_iter().for_each(|id| self.end(id));
            }
            Verb::DeleteExpired(limit) => {
                let over: Vec<RowId> =
                    self.entries.iter().filter(|(_, found)| self.is_over(found)).map(|(id, _)| *id).collect();
                let deleted = done(self.store.delete_expired(now, limit)).unwrap();
                assert_eq!(deleted, u64::from(limit).min(over.len() as u64));
                let gone: Vec<_> = over
                    .into_iter()
                    .filter(|id| done(self.store.load(Wanted::newest(*id))).unwrap().is_none())
                    .collect();
                assert_eq!(gone.len() as u64, deleted);
                gone.iter().for_each(|id| drop(self.entries.remove(id)));
            }
            Verb::List(subject, limit) => {
                let subject = SUBJECTS[subject].unwrap_or("nobody");
                let mut rows: Vec<Row> = self.entries.values().cloned().filter_map(Found::session).collect();
                rows.retain(|row| row.subject.as_deref() == Some(subject) && !row.is_expired(now));
                rows.sort_by_key(|row| Reverse((row.seen_at, row.id)));
                let after = rows.first().map(|row| (row.seen_at, row.id));
                rows.iter_mut().for_each(|row| row.data.clear());
                let list = |page| done(self.store.list_by_subject(subject, now, page)).unwrap();
                let limited = |rows: &[Row]| rows.iter().take(limit as usize).cloned().collect::<Vec<_>>();
                assert_eq!(list(Page::first(limit)), limited(&rows));
                assert_eq!(list(Page { limit, after }), limited(rows.get(1..).unwrap_or(&rows)));
            }
            Verb::DeleteBySubject(subject, which) => {
                let subject = SUBJECTS[subject].unwrap_or("nobody");
                let which =
                    which.map_or(Which::All, |(only, n)| if only { Which::Only(id(n)) } else { Which::AllBut(id(n)) });
                let mut ids: Vec<RowId> = self
                    .entries
                    .values()
                    .cloned()
                    .filter_map(Found::session)
                    .filter(|row| row.subject.as_deref() == Some(subject))
                    .map(|row| row.id)
                    .collect();
                ids.retain(|id| match which {
                    Which::All => true,
                    Which::AllBut(kept) => *id != kept,
                    Which::Only(one) => *id == one,
                });
                assert_eq!(done(self.store.delete_by_subject(subject, which, now)).unwrap(), ids.len() as u64);
                ids.into_iter().for_each(|id| self.end(id));
            }
            Verb::Wait(seconds) => self.second += seconds,
        }
        self.compare();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_roomy_store_does_as_the_model(verbs in prop::collection::vec(verb(), 1..120), many in any::<bool>()) {
        let mut model = Model::new(MemoryStore::with_capacity(if many { 100_000 } else { 100 }), true);
        verbs.iter().for_each(|verb| model.run(verb));
    }

    #[test]
    fn a_tight_store_holds_its_bounds_and_evicts_only_what_it_may(
        verbs in prop::collection::vec(verb(), 1..120),
        capacity in 1..8_usize,
        kilobytes in 4..12_usize,
    ) {
        let mut model = Model::new(MemoryStore::with_capacity(capacity).max_bytes(kilobytes << 10), false);
        for verb in &verbs {
            model.run(verb);
            prop_assert!(model.store.len() <= capacity && model.store.bytes() <= kilobytes << 10);
        }
    }

    #[test]
    fn a_tight_store_of_many_parts_does_too(verbs in prop::collection::vec(verb(), 1..120), kilobytes in 4..12_usize) {
        let mut model = Model::new(MemoryStore::with_capacity(100_000).max_bytes(kilobytes << 10), false);
        for verb in &verbs {
            model.run(verb);
            prop_assert!(model.store.bytes() <= kilobytes << 10);
        }
    }
}
