//! What goes into a session comes out as it was, or is refused.

use alloc::{collections::BTreeMap, format, vec, vec::Vec};
use std::{fmt::Debug, string::String};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::*;

fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
    let mut data = Data::new();
    data.insert("k", &value).unwrap();
    let decoded = Data::decode(&data.encode()).unwrap();
    assert_eq!(decoded, data);
    assert_eq!(decoded.get::<T>("k").unwrap(), Some(value));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Unit,
    New(u8),
    Tuple(i32, String),
    Struct { x: Option<f64>, y: Vec<u16> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    A { n: u64 },
    B,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wrapper(String);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    flag: bool,
    small: i8,
    large: u64,
    float: f32,
    letter: char,
    text: String,
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
    unit: (),
    none: Option<u8>,
    some: Option<Wrapper>,
    tuple: (u8, String),
    map: BTreeMap<i32, Shape>,
    shapes: Vec<Shape>,
    tagged: Vec<Tagged>,
}

#[test]
fn structs_enums_options_maps_numbers_and_bytes_come_back() {
    comes_back(Everything {
        flag: true,
        small: -128,
        large: u64::MAX,
        float: 1.5,
        letter: 'ß',
        text: "naïve".into(),
        bytes: vec![0, 255],
        unit: (),
        none: None,
        some: Some(Wrapper("w".into())),
        tuple: (1, "two".into()),
        map: [(-1, Shape::Unit), (2, Shape::New(3))].into(),
        shapes: vec![Shape::Tuple(-4, "t".into()), Shape::Struct { x: Some(0.1), y: vec![1, 2] }],
        tagged: vec![Tagged::A { n: 1 << 60 }, Tagged::B],
    });
    comes_back(Shape::Unit);
    comes_back([u64::MAX, 0, i64::MAX as u64, i64::MAX as u64 + 1]);
    comes_back([i64::MIN, -1, 0]);
    comes_back(Some(5u8));
    comes_back(None::<u8>);
    comes_back((f64::INFINITY, f64::MIN_POSITIVE));
}

fn refused(value: &(impl Serialize + ?Sized)) -> Refusal {
    match to_value(value) {
        Err(ValueError::Refused { key: None, refusal }) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_would_come_back_as_something_else_is_refused() {
    assert_eq!(refused(&5u128), Refusal::Integer128);
    assert_eq!(refused(&[-5i128]), Refusal::Integer128);
    assert_eq!(refused(&BTreeMap::from([(5u128, 1)])), Refusal::Integer128);
    assert_eq!(refused(&Some(None::<u8>)), Refusal::NestedOption);
    assert_eq!(refused(&Some(())), Refusal::NestedOption);
    assert_eq!(refused(&BTreeMap::from([((1, 2), 3)])), Refusal::MapKey("tuple"));
    // As serde_json serializes one.
    #[derive(Serialize)]
    #[serde(rename = "$serde_json::private::RawValue")]
    struct RawValue {
        json: &'static str,
    }
    assert_eq!(refused(&[RawValue { json: "1" }]), Refusal::RawJson);
    #[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(untagged)]
    enum Key {
        Number(u8),
        Text(&'static str),
    }
    let twice: BTreeMap<Key, u8> = [(Key::Number(1), 1), (Key::Text("1"), 2)].into();
    assert_eq!(refused(&twice), Refusal::DuplicateKey);
}

/// An integer from an older version, which kept those that fit into 64 bits.
#[test]
fn integers_read_as_128_bits() {
    assert_eq!(from_value(&Value::I64(-5)), Ok(-5i128));
    assert_eq!(from_value(&Value::U64(u64::MAX)), Ok(u128::from(u64::MAX)));
    assert!(from_value::<u128>(&Value::I64(-5)).is_err());
}

/// Serde would have to buffer a content that comes before its tag, and a buffer cannot give integers of 128 bits.
#[test]
fn the_tag_comes_before_the_content() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "t", content = "c")]
    enum Adjacent {
        Wide(u128),
    }
    let value = to_value(&BTreeMap::from([("t", to_value("Wide").unwrap()), ("c", Value::I64(5))])).unwrap();
    assert_eq!(from_value(&value), Ok(Adjacent::Wide(5)));
}

#[test]
fn integer_keys_and_text_that_looks_like_them_do_not_go_together() {
    let numbers = BTreeMap::from([(5u32, "five")]);
    for alike in ["5", "-1", "true"] {
        assert_eq!(refused(&(&numbers, BTreeMap::from([(alike, 1)]))), Refusal::AmbiguousKeys);
    }
    assert_eq!(refused(&(BTreeMap::from([(true, 1)]), BTreeMap::from([('7', 1)]))), Refusal::AmbiguousKeys);
    #[derive(Serialize)]
    struct Renamed {
        #[serde(rename = "1")]
        one: BTreeMap<u32, &'static str>,
    }
    assert_eq!(refused(&Renamed { one: numbers.clone() }), Refusal::AmbiguousKeys);
    // Nor text that only looks like an integer to a person; nor text as a value.
    assert!(to_value(&(&numbers, BTreeMap::from([("05", 1), ("+5", 1), ("five", 1)]), "5")).is_ok());
    assert!(to_value(&BTreeMap::from([("5", 1), ("true", 2)])).is_ok());
}

#[test]
fn a_flattened_map_with_integer_keys_is_refused() {
    #[derive(Serialize)]
    struct Flat {
        #[serde(flatten)]
        map: BTreeMap<i32, u8>,
    }
    assert_eq!(refused(&Flat { map: [(5, 1)].into() }), Refusal::FlattenedKey);
}

#[test]
fn depth_is_bounded_when_written_and_when_read() {
    fn nested(levels: usize) -> serde_json::Value {
        (0..levels).fold(serde_json::Value::Null, |inner, _| serde_json::Value::Array(vec![inner]))
    }
    let mut data = Data::new();
    data.insert("deep", &nested(MAX_DEPTH)).unwrap();
    assert_eq!(Data::decode(&data.encode()).unwrap(), data);
    let error = data.insert("deeper", &nested(MAX_DEPTH + 1)).unwrap_err();
    assert_eq!(error, ValueError::Refused { key: Some("deeper".into()), refusal: Refusal::TooDeep });
    // One key, then sequences of one element without end.
    let mut bytes = vec![1, 1, b'k'];
    bytes.extend([7, 1].repeat(100_000));
    assert_eq!(Data::decode(&bytes), Err(DecodeError));
}

#[test]
fn a_value_of_another_type_is_an_error_that_names_it() {
    let mut data = Data::new();
    data.insert("n", &"many").unwrap();
    let error = data.get::<u64>("n").unwrap_err();
    assert!(format!("{error}").contains("u64"), "{error}");
    data.insert("n", &300).unwrap();
    assert!(data.get::<u8>("n").is_err(), "out of range is not cut off");
    data.insert("n", &-1).unwrap();
    assert!(data.get::<u64>("n").is_err());
    assert_eq!(data.get::<u64>("absent").unwrap(), None);
}

#[test]
fn integers_have_one_spelling_and_nan_equals_itself() {
    assert_eq!(to_value(&5u64), to_value(&5i8));
    let mut data = Data::new();
    assert!(data.insert("x", &f64::NAN).unwrap());
    assert!(!data.insert("x", &f64::NAN).unwrap(), "an equal value set again is no change");
    assert!(data.insert("x", &0.0).unwrap());
    assert!(data.insert("x", &-0.0).unwrap());
}

#[test]
fn bytes_and_sequences_of_numbers_read_as_each_other() {
    let mut data = Data::new();
    data.insert("b", serde_bytes::Bytes::new(&[1, 2])).unwrap();
    assert_eq!(data.get::<Vec<u8>>("b").unwrap(), Some(vec![1, 2]));
    data.insert("b", &vec![1u8, 2]).unwrap();
    assert_eq!(data.get::<serde_bytes::ByteBuf>("b").unwrap().unwrap().as_slice(), [1, 2]);
}

#[test]
fn values_serialize_plainly() {
    let mut data = Data::new();
    data.insert("a", &(1, "b", None::<u8>)).unwrap();
    assert_eq!(serde_json::to_string(&data).unwrap(), r#"{"a":[1,"b",null]}"#);
    let back: Data = serde_json::from_str(r#"{"a":[1,"b",null]}"#).unwrap();
    assert_eq!(back, data);
    assert_eq!(to_value(&data).unwrap(), Value::Map(data.clone()));
    assert_eq!(data.get::<Value>("a").unwrap().as_ref(), data.value("a"));
}

#[test]
fn only_one_encoding_is_read() {
    let mut data = Data::new();
    data.insert("a", &1).unwrap();
    data.insert("b", &2).unwrap();
    let bytes = data.encode();
    assert_eq!(bytes, [2, 1, b'a', 2, 2, 1, b'b', 2, 4]);
    assert_eq!(bytes.len(), data.encoded_len());
    for other in [
        vec![2, 1, b'b', 2, 4, 1, b'a', 2, 2],
        vec![2, 1, b'a', 2, 2, 1, b'a', 2, 4],
        [bytes.as_slice(), &[0]].concat(),
        bytes[..bytes.len() - 1].to_vec(),
        vec![1, 1, b'a', 9],
        vec![1, 1, 0xff, 0],
        vec![],
    ] {
        assert_eq!(Data::decode(&other), Err(DecodeError), "{other:?}");
    }
}

#[test]
fn only_picks_keys() {
    let mut data = Data::new();
    data.insert("a", &1).unwrap();
    data.insert("b", &2).unwrap();
    assert_eq!(data.only(["b", "c"]).keys().collect::<Vec<_>>(), ["b"]);
}

/// What was read from JSON, say, can always be written and read again.
#[test]
fn what_is_read_is_not_deeper_than_what_is_written() {
    let nested = |depth: usize| format!(r#"{{"a":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
    let data: Data = serde_json::from_str(&nested(MAX_DEPTH)).unwrap();
    assert_eq!(Data::decode(&data.encode()).as_ref(), Ok(&data));
    let error = serde_json::from_str::<Data>(&nested(MAX_DEPTH + 1)).unwrap_err();
    assert!(format!("{error}").contains("nested deeper"), "{error}");
}

#[test]
fn debug_shows_keys_and_kinds_only() {
    let mut data = Data::new();
    data.insert("pin", &("hunter2", 4711)).unwrap();
    data.insert("who", &std::collections::BTreeMap::from([("name", "ada")])).unwrap();
    assert_eq!(format!("{data:?}"), r#"{"pin": Seq, "who": {"name": Str}}"#);
}

#[test]
fn maps_are_sorted_and_a_key_counts_once() {
    let data: Data = serde_json::from_str(r#"{"b":1,"a":2,"c":3,"a":4,"b":5,"a":6}"#).unwrap();
    assert_eq!(serde_json::to_string(&data).unwrap(), r#"{"a":6,"b":5,"c":3}"#);
    assert_eq!(Data::decode(&data.encode()).as_ref(), Ok(&data));
    let mut set = Data::new();
    for (key, value) in [("c", 3), ("a", 6), ("b", 5)] {
        assert!(set.insert(key, &value).unwrap());
        assert!(!set.insert(key, &value).unwrap());
    }
    assert_eq!(set, data);
    assert_eq!(set.remove("b").unwrap(), Value::I64(5));
    assert_eq!((set.remove("b"), set.keys().collect::<Vec<_>>()), (None, vec!["a", "c"]));
}

/// Elsewhere a document of many keys in the worst order would take quadratic time.
#[test]
fn many_keys_at_once_are_sorted_once() {
    let pairs: BTreeMap<String, u32> = (0..200_000).map(|n| (format!("{:06}", 200_000 - n), n)).collect();
    let Value::Map(data) = to_value(&pairs).unwrap() else { panic!("a map") };
    assert_eq!(data.len(), pairs.len());
}
