//! Whatever type a value has: what is accepted comes back as it was, inside any enum representation and any container.

#![allow(missing_docs, clippy::unwrap_used)]

mod strategies;
mod types;

use std::{collections::BTreeMap, fmt::Debug, marker::PhantomData};

use proptest::{collection, prelude::*, strategy::ValueTree};
use serde::{Serialize, de::DeserializeOwned};
use waxseal_core::{Data, Refusal, ValueError, from_value, to_value};

use strategies::{real, text_key, tree};
use types::*;

trait Any: Serialize + DeserializeOwned + PartialEq + Debug + Clone {}

impl<T: Serialize + DeserializeOwned + PartialEq + Debug + Clone> Any for T {}

/// The complete list of what JSON and MessagePack can both keep, and a session refuses.
fn may_be_refused(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::Integer128 | Refusal::NestedOption | Refusal::AmbiguousKeys | Refusal::MapKey("option"))
}

/// What is accepted comes back. What is refused is refused by JSON or MessagePack too, or is in the list.
fn check<T: Any>(value: T) -> Result<bool, TestCaseError> {
    let mut data = Data::new();
    match data.insert("k", &value) {
        Ok(_) => {
            let kept = to_value(&value).unwrap();
            let read = from_value::<T>(&kept);
            prop_assert_eq!(read.as_ref(), Ok(&value), "{:?}", kept);
            let decoded = Data::decode(&data.encode()).unwrap();
            prop_assert_eq!(decoded.get("k"), Ok(Some(value)));
            Ok(true)
        }
        Err(ValueError::Refused { key, refusal }) => {
            prop_assert_eq!(key.as_deref(), Some("k"));
            let json = serde_json::to_string(&value).ok().and_then(|json| serde_json::from_str::<T>(&json).ok());
            let pack = rmp_serde::to_vec_named(&value).ok().and_then(|pack| rmp_serde::from_slice::<T>(&pack).ok());
            let both = json.as_ref() == Some(&value) && pack.as_ref() == Some(&value);
            prop_assert!(may_be_refused(refusal) || !both, "{refusal:?}: {value:?}");
            Ok(false)
        }
        Err(error) => Err(TestCaseError::fail(format!("{error}"))),
    }
}

/// The value in every container and every representation of an enum.
fn check_everywhere<T: Any>(value: T) -> Result<(), TestCaseError> {
    let inner = || value.clone();
    check(inner())?;
    check(Some(inner()))?;
    check(vec![inner(), inner()])?;
    check(BTreeMap::from([("a", inner())].map(|(key, value)| (key.to_owned(), value))))?;
    check(BTreeMap::from([(-7i8, inner())]))?;
    check(BTreeMap::from([(true, inner())]))?;
    check(Plain { before: 1, inner: inner() })?;
    check([External::Unit, External::New(inner()), External::Tuple(inner(), 1), External::Struct { inner: inner() }])?;
    check([TagLast::Unit, TagLast::New(inner()), TagLast::Tuple(inner(), 1), TagLast::Struct { inner: inner() }])?;
    check([TagFirst::Unit, TagFirst::New(inner()), TagFirst::Tuple(inner(), 1), TagFirst::Struct { inner: inner() }])?;
    check([Internal::Unit, Internal::Struct { inner: inner() }, Internal::Other])?;
    check(Internal::New(inner()))?;
    check(Internal::New(Plain { before: 1, inner: inner() }))?;
    check([Untagged::Struct { untagged: inner() }, Untagged::Tuple(inner(), true, Unit)])?;
    check(UntaggedNew::New(inner()))?;
    check(UntaggedNew::New(BTreeMap::from([(-7i8, inner())])))?;
    check(UntaggedNew::New(TagLast::New(inner())))?;
    check(UntaggedNew::New(External::Tuple(inner(), 1)))?;
    check(Flat { id: 1, flattened: Plain { before: 2, inner: inner() } })?;
    check(FlatMap { id: 1, flattened: [("x".to_owned(), inner())].into() })?;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn trees_come_back(tree in tree()) {
        check_everywhere(tree)?;
    }

    #[test]
    fn maps_come_back(
        signed in collection::btree_map(any::<i64>(), any::<u8>(), 0..3),
        unsigned in collection::btree_map(any::<u64>(), any::<Option<u8>>(), 0..3),
        text in collection::btree_map(text_key(), any::<u8>(), 0..3),
        letters in collection::btree_map(any::<char>(), any::<u8>(), 0..3),
    ) {
        check_everywhere(signed.clone())?;
        check_everywhere(unsigned)?;
        check_everywhere(text)?;
        check_everywhere(letters)?;
        check_everywhere(FlatKeys { flattened: signed })?;
    }

    #[test]
    fn scalars_come_back(text in any::<String>(), integer in any::<u64>(), real in real(), option in any::<Option<i8>>()) {
        check_everywhere(text)?;
        check_everywhere(integer)?;
        check_everywhere(real)?;
        check_everywhere(option)?;
    }
}

/// The check is worth little where all is refused.
#[test]
fn most_trees_are_accepted() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let trees = || tree().new_tree(&mut runner).unwrap().current();
    let accepted = std::iter::repeat_with(trees).take(500).filter(|tree| check(tree.clone()).unwrap()).count();
    assert!(accepted > 250, "{accepted}");
}

#[test]
fn units_come_back() {
    check_everywhere(()).unwrap();
    check_everywhere(Unit).unwrap();
    check_everywhere(Empty {}).unwrap();
    check_everywhere(Vec::<Never>::new()).unwrap();
    check_everywhere(None::<Never>).unwrap();
    check_everywhere(PhantomData::<u8>).unwrap();
}

/// The limits that `to_value` documents: such types take integer keys for text, as they do when they are read from JSON.
#[test]
fn types_that_accept_any_keys_read_text_as_from_json() {
    fn reads_as_json_does<T: Any>(value: T) {
        let kept = to_value(&value).unwrap();
        let json = serde_json::to_string(&value).unwrap();
        assert_eq!(from_value::<T>(&kept).unwrap(), serde_json::from_str(&json).unwrap());
    }
    let map = BTreeMap::from([(5, 1)]);
    reads_as_json_does(FlatOption { flattened: Some(Plain { before: 1, inner: map.clone() }) });
    reads_as_json_does(Either::ById(map));
    reads_as_json_does(BTreeMap::from([(EitherKey::Number(5), 1)]));
}
