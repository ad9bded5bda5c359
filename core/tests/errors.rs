//! No error shows any part of a value.

#![allow(missing_docs, dead_code, clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    fmt::{self, Debug},
    net::IpAddr,
    num::NonZeroU8,
    time::Duration,
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeOwned, Unexpected, Visitor},
};
use waxseal_core::{Changes, Data, Mismatch, Refusal, Value, ValueError, ValueKind, from_value, to_value};

const SECRET: &str = "hunter2";
const PIN: u64 = 47_114_711;

fn shows_nothing(error: &ValueError) {
    for text in [format!("{error}"), format!("{error:?}"), format!("{error:#?}")] {
        assert!(!text.contains(SECRET) && !text.contains(&PIN.to_string()), "{text}");
    }
    assert!(std::error::Error::source(error).is_none());
}

/// Reads every secret value as a `T`. Hardly any is one.
fn misread<T: DeserializeOwned + Debug>() {
    let text = Value::Str(SECRET.into());
    let integer = Value::U64(PIN);
    let values = [
        text.clone(),
        integer.clone(),
        Value::F64(47_114_711.5),
        Value::Bytes(SECRET.into()),
        Value::Seq(vec![text.clone(), integer.clone(), text.clone()]),
        to_value(&BTreeMap::from([(SECRET, &text)])).unwrap(),
        to_value(&BTreeMap::from([(SECRET, &integer), ("n", &text)])).unwrap(),
        to_value(&BTreeMap::from([("n", &text), ("t", &text)])).unwrap(),
        to_value(&BTreeMap::from([(PIN, &text)])).unwrap(),
    ];
    let count = values.len();
    let mut errors = 0;
    for value in values {
        let Err(error) = from_value::<T>(&value) else { continue };
        errors += 1;
        shows_nothing(&error);
        let mut data = Data::new();
        data.insert("k", &value).unwrap();
        let error = data.get::<T>("k").unwrap_err();
        assert_eq!(error.key(), Some("k"));
        shows_nothing(&error);
    }
    assert!(errors >= count - 2, "{errors}");
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    n: u8,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "t")]
enum Internal {
    A { n: u8 },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "t", content = "n")]
enum Adjacent {
    A(u8),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Untagged {
    A(u8),
    B { n: u8 },
}

#[derive(Debug, Deserialize)]
enum External {
    A,
    B(u8),
}

#[derive(Debug, Deserialize)]
struct Flat {
    #[serde(flatten)]
    strict: Strict,
}

#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    A,
}

/// Refuses any value with an error that quotes it, in every way that serde has.
#[derive(Debug)]
struct Quoting<const WAY: u8>;

struct QuotingVisitor<const WAY: u8>(String);

impl<const WAY: u8> QuotingVisitor<WAY> {
    fn refuse<E: de::Error>(&self, found: &str) -> E {
        let quoted = format!("no {found}");
        match WAY {
            0 => E::custom(quoted),
            1 => E::invalid_value(Unexpected::Str(found), &quoted.as_str()),
            2 => E::invalid_type(Unexpected::Other(&quoted), self),
            3 => E::invalid_length(PIN as usize, &quoted.as_str()),
            4 => E::unknown_variant(&quoted, &["A"]),
            _ => E::unknown_field(&quoted, &[]),
        }
    }
}

impl<'de, const WAY: u8> Visitor<'de> for QuotingVisitor<WAY> {
    type Value = Quoting<WAY>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not {}", self.0)
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<Quoting<WAY>, E> {
        Err(self.refuse(v))
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<Quoting<WAY>, E> {
        Err(self.refuse(&v.to_string()))
    }
}

impl<'de, const WAY: u8> Deserialize<'de> for Quoting<WAY> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuotingVisitor(SECRET.into()))
    }
}

#[test]
fn no_error_of_reading_shows_a_value() {
    misread::<bool>();
    misread::<u8>();
    misread::<i128>();
    misread::<char>();
    misread::<()>();
    misread::<NonZeroU8>();
    misread::<Option<u8>>();
    misread::<Vec<bool>>();
    misread::<(u8, u8)>();
    misread::<[bool; 2]>();
    misread::<BTreeMap<u8, u8>>();
    misread::<BTreeMap<bool, Value>>();
    misread::<BTreeMap<Key, Value>>();
    misread::<Duration>();
    misread::<IpAddr>();
    misread::<Result<u8, u8>>();
    misread::<Strict>();
    misread::<Internal>();
    misread::<Adjacent>();
    misread::<Untagged>();
    misread::<External>();
    misread::<Flat>();
    misread::<Quoting<0>>();
    misread::<Quoting<1>>();
    misread::<Quoting<2>>();
    misread::<Quoting<3>>();
    misread::<Quoting<4>>();
    misread::<Quoting<5>>();
}

#[test]
fn no_error_of_writing_shows_a_value() {
    struct Refuses;
    impl Serialize for Refuses {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom(SECRET))
        }
    }
    #[derive(Serialize)]
    struct Flat {
        hunter2: u8,
        #[serde(flatten)]
        rest: BTreeMap<&'static str, u8>,
    }
    let twice = Flat { hunter2: 1, rest: [(SECRET, 2)].into() };
    for (error, expected) in [
        (to_value(&Refuses).unwrap_err(), Refusal::Serialize),
        (to_value(&[(&Refuses, 1)]).unwrap_err(), Refusal::Serialize),
        (to_value(&twice).unwrap_err(), Refusal::DuplicateKey),
        (to_value(&(BTreeMap::from([(PIN, SECRET)]), BTreeMap::from([("5", 1)]))).unwrap_err(), Refusal::AmbiguousKeys),
        (to_value(&u128::from(PIN)).unwrap_err(), Refusal::Integer128),
        (to_value(&BTreeMap::from([(Some(SECRET), 1)])).unwrap_err(), Refusal::MapKey("option")),
    ] {
        assert_eq!(error, ValueError::Refused { key: None, refusal: expected });
        shows_nothing(&error);
    }
}

#[test]
fn errors_name_the_key_the_expected_type_and_what_was_found() {
    let mut data = Data::new();
    data.insert("cart", &BTreeMap::from([("n", SECRET)])).unwrap();
    let text = |error: ValueError| error.to_string();

    let error = data.get::<Vec<u8>>("cart").unwrap_err();
    assert_eq!(
        error,
        ValueError::Mismatch {
            key: Some("cart".into()),
            mismatch: Mismatch::Kind { expected: Some("a sequence".into()), found: ValueKind::Map },
        }
    );
    let of_type = r#"the session value "cart" is not of the requested type: "#;
    assert_eq!(text(error), format!("{of_type}expected a sequence, found a map"));
    assert_eq!(text(data.get::<Strict>("cart").unwrap_err()), format!("{of_type}expected u8, found text"));
    assert_eq!(
        text(data.get::<Duration>("cart").unwrap_err()),
        format!("{of_type}found an unknown field, expected `secs`, `nanos`")
    );
    assert_eq!(
        text(data.get::<External>("cart").unwrap_err()),
        format!("{of_type}found an unknown variant of an enum, expected `A`, `B`")
    );
    assert_eq!(
        text(data.get::<Quoting<0>>("cart").unwrap_err()),
        format!("{of_type}found a map"),
        "what this type expects holds a value"
    );
    data.insert("cart", &300).unwrap();
    assert_eq!(
        text(data.get::<u8>("cart").unwrap_err()),
        format!("{of_type}expected u8, found an integer with an unsuitable value")
    );
    assert_eq!(
        text(from_value::<String>(&Value::Null).unwrap_err()),
        "the value is not of the requested type: expected a string, found nothing"
    );

    let error = data.insert("cart", &Some(())).unwrap_err();
    assert_eq!(error.key(), Some("cart"));
    assert!(text(error).starts_with(r#"the session value "cart" cannot be kept: Some(None) and Some(()) "#));
    let mut changes = Changes::new();
    assert_eq!(changes.insert("cart", &1u128).unwrap_err().key(), Some("cart"));
    changes.update("cart", |n: Option<u8>| n);
    assert_eq!(text(changes.apply(&mut data).unwrap_err()), text(data.get::<u8>("cart").unwrap_err()));
}
