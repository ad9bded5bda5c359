//! Hostile terms and tokens, times, rotation and rows.

#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use sha2::{Sha256, Sha512};
use waxseal_adopt::{
    plug::{
        Algorithm, OptionsError, PlugKeys, PlugReader, PlugRow, PlugRows, ReadError, TermError, decode_term, is_row_id,
    },
    subject_of,
};
use waxseal_core::{Data, Timestamp, Value, to_value};

const SECRET: &str = "a secret key base of the test, which is sixty-four bytes long, yes";

fn keys() -> PlugKeys {
    PlugKeys::new(SECRET).iterations(2)
}

fn b64(bytes: &[u8]) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// Signs a term, independently of the reader.
fn sign(salt: &str, term: &[u8]) -> String {
    let key = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(SECRET.as_bytes(), salt.as_bytes(), 2);
    let text = format!("SFMyNTY.{}", b64(&[&[131], term].concat()));
    let mac = Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(&text).finalize().into_bytes();
    format!("{text}.{}", b64(&mac))
}

/// Writes a value as a term, in the spelling that OTP 26 uses.
fn term(value: &Value) -> Vec<u8> {
    let len = |len: usize| u32::try_from(len).unwrap().to_be_bytes();
    match value {
        Value::Null => b"w\x03nil".to_vec(),
        Value::Bool(true) => b"w\x04true".to_vec(),
        Value::Bool(false) => b"w\x05false".to_vec(),
        Value::I64(number) => {
            let sign = u8::from(*number < 0);
            [[110, 8, sign].as_slice(), &number.unsigned_abs().to_le_bytes()].concat()
        }
        Value::U64(number) => [[111, 0, 0, 0, 8, 0].as_slice(), &number.to_le_bytes()].concat(),
        Value::F64(number) => [&[70], number.to_be_bytes().as_slice()].concat(),
        Value::Str(text) => [b"m", len(text.len()).as_slice(), text.as_bytes()].concat(),
        Value::Bytes(bytes) => [b"m", len(bytes.len()).as_slice(), bytes].concat(),
        Value::Seq(values) if values.is_empty() => vec![106],
        Value::Seq(values) => {
            let values: Vec<u8> = values.iter().flat_map(term).collect();
            let Value::Seq(all) = value else { unreachable!() };
            [b"l", len(all.len()).as_slice(), &values, &[106]].concat()
        }
        Value::Map(map) => {
            let pairs: Vec<u8> =
                map.iter().flat_map(|(key, value)| [term(&Value::Str(key.into())), term(value)].concat()).collect();
            [b"t", len(map.len()).as_slice(), &pairs].concat()
        }
    }
}

fn decode(term: &[u8]) -> Result<Value, TermError> {
    decode_term(&[&[131], term].concat())
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::I64),
        (i64::MAX as u64 + 1..).prop_map(Value::U64),
        proptest::num::f64::NORMAL.prop_map(Value::F64),
        ".*".prop_map(Value::Str),
        proptest::collection::vec(128u8..192, 1..8).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(8, 64, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Seq),
            proptest::collection::btree_map(".*", inner, 0..6).prop_map(|map| to_value(&map).unwrap()),
        ]
    })
}

proptest! {
    #[test]
    fn values_come_back(value in values()) {
        prop_assert_eq!(decode(&term(&value)), Ok(value));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = (decode_term(&bytes), decode(&bytes));
    }

    #[test]
    fn a_cut_term_is_refused(value in values(), cut in any::<prop::sample::Index>()) {
        let term = term(&value);
        prop_assert!(decode(&term[..cut.index(term.len())]).is_err());
    }

    #[test]
    fn a_changed_token_is_not_authentic(value in values(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let token = sign("salt", &term(&value)).into_bytes();
        let reader = PlugReader::signed_session(&keys(), "salt").unwrap();
        let now = Timestamp::default();
        prop_assert_eq!(reader.read(&token, now).unwrap().value, value);
        let mut changed = token.clone();
        let at = at.index(token.len());
        changed[at] = byte;
        prop_assume!(changed != token);
        prop_assert_eq!(reader.read(&changed, now).err(), Some(ReadError::NotAuthentic));
        prop_assert_eq!(reader.read(&token[..at], now).err(), Some(ReadError::NotAuthentic));
    }
}

#[test]
fn every_spelling_is_read() {
    let text = |text: &str| Ok(Value::Str(text.into()));
    assert_eq!(decode(b"d\0\x02ok"), text("ok"));
    assert_eq!(decode(b"s\x02ok"), text("ok"));
    assert_eq!(decode(b"v\0\x03\xc3\xa9s"), text("és"));
    assert_eq!(decode(b"w\x03\xc3\xa9s"), text("és"));
    assert_eq!(decode(b"s\x02\xe9s"), text("és"));
    assert_eq!(decode(b"s\x02\xc3\xa9"), text("Ã©"));
    assert_eq!(decode(b"b\x80\0\0\0"), Ok(Value::I64(i32::MIN.into())));
    assert_eq!(decode(b"n\x08\x01\0\0\0\0\0\0\0\x80"), Ok(Value::I64(i64::MIN)));
    assert_eq!(decode(b"n\x09\0\xff\xff\xff\xff\xff\xff\xff\xff\0"), Ok(Value::U64(u64::MAX)));
    assert_eq!(decode(b"n\0\x01"), Ok(Value::I64(0)));
    let pair = Ok(Value::Seq(vec![Value::I64(1), Value::I64(2)]));
    assert_eq!(decode(b"h\x02a\x01a\x02"), pair);
    assert_eq!(decode(b"i\0\0\0\x02a\x01a\x02"), pair);
    assert_eq!(decode(b"k\0\x02\x01\x02"), pair);
    assert_eq!(decode(b"t\0\0\0\x02a\x07w\x03nilw\x03nila\x01"), Ok(Value::Map(map(&[("7", None), ("nil", Some(1))]))));
}

fn map(pairs: &[(&str, Option<i64>)]) -> Data {
    let mut data = Data::new();
    for (key, value) in pairs {
        data.insert(key, value).unwrap();
    }
    data
}

#[test]
fn what_cannot_be_a_value_is_refused() {
    for (term, error) in [
        (b"".as_slice(), TermError::Truncated),
        (b"a\x01\0", TermError::TrailingBytes),
        (b"P\0\0\0\x01x", TermError::Kind(80)),
        (b"M\0\0\0\x01\x03\xe0", TermError::Kind(77)),
        (b"c1.0", TermError::Kind(99)),
        (b"F\x7f\xf0\0\0\0\0\0\0", TermError::Float),
        (b"n\x09\0\0\0\0\0\0\0\0\0\x01", TermError::Integer),
        (b"n\x08\x01\x01\0\0\0\0\0\0\x80", TermError::Integer),
        (b"l\0\0\0\x01a\x01a\x02", TermError::ImproperList),
        (b"w\x01\xff", TermError::Atom),
        (b"t\0\0\0\x02m\0\0\0\x01aa\x01w\x01aa\x02", TermError::MapKey),
        (b"t\0\0\0\x01m\0\0\0\x01\xffa\x01", TermError::MapKey),
        (b"t\0\0\0\x01ja\x01", TermError::MapKey),
        (b"h\x01t\0\0\0\x01F\x3f\xf0\0\0\0\0\0\0a\x01", TermError::MapKey),
        // Lengths that the bytes do not have.
        (b"t\xff\xff\xff\xff", TermError::Truncated),
        (b"l\xff\xff\xff\xff", TermError::Truncated),
        (b"i\xff\xff\xff\xff", TermError::Truncated),
        (b"m\xff\xff\xff\xff", TermError::Truncated),
        (b"o\xff\xff\xff\xff\0", TermError::Truncated),
    ] {
        assert_eq!(decode(term), Err(error), "{term:?}");
    }
    assert_eq!(decode_term(b""), Err(TermError::Truncated));
    assert_eq!(decode_term(b"\x82j"), Err(TermError::Version));
    assert_eq!(decode(&[b"v\x01\0".as_slice(), &[b'x'; 256]].concat()), Err(TermError::Atom));
    assert_eq!(decode(&[b"d\x01\0".as_slice(), &[0xe9; 256]].concat()), Err(TermError::Atom));
}

#[test]
fn depth_is_bounded() {
    let nested = |levels| [b"h\x01".repeat(levels), b"j".to_vec()].concat();
    assert!(decode(&nested(31)).is_ok());
    for levels in [32, 38, 45, 1_000_000] {
        assert_eq!(decode(&nested(levels)), Err(TermError::TooDeep), "{levels}");
    }
    // As deep as the values of a session may be.
    let session = |levels| [b"t\0\0\0\x01m\0\0\0\x01k".to_vec(), nested(levels)].concat();
    assert!(decode(&session(31)).is_ok());
    assert_eq!(decode(&session(32)), Err(TermError::TooDeep));
}

/// A token with 42, signed at 1000 seconds, and this maximum age.
fn token(max_age: &[u8]) -> String {
    sign("salt", &[b"h\x03a\x2an\x04\0\x40\x42\x0f\0", max_age].concat())
}

#[test]
fn tokens_expire_as_in_plug() {
    let read = |reader: &PlugReader, token: &str, ms| {
        reader
            .read(token.as_bytes(), Timestamp::from_unix_ms(ms))
            .map(|opened| opened.expires_at.map(Timestamp::unix_ms))
    };
    let reader = PlugReader::signed_token(&keys(), "salt").unwrap();
    let minute = token(b"a\x3c");
    assert_eq!(read(&reader, &minute, 1_060_000), Ok(Some(1_060_000)));
    assert_eq!(read(&reader, &minute, 1_060_001), Err(ReadError::Expired));
    assert_eq!(read(&reader, &minute, 0), Ok(Some(1_060_000)), "signed in the future");
    assert_eq!(read(&reader, &token(b"F\x3f\xf8\0\0\0\0\0\0"), 1_001_500), Ok(Some(1_001_500)), "1.5 seconds");
    assert_eq!(read(&reader, &token(b"w\x08infinity"), u64::MAX), Ok(None));
    for none in [b"a\0".as_slice(), b"b\xff\xff\xff\xff", b"F\xbf\xf0\0\0\0\0\0\0"] {
        assert_eq!(read(&reader, &token(none), 1_000_000), Err(ReadError::Expired));
    }
    for form in [b"w\x05never".as_slice(), b"j", b"m\0\0\0\0"] {
        assert_eq!(read(&reader, &token(form), 1_000_000), Err(ReadError::Form));
    }
    let old = sign("salt", b"h\x02a\x2an\x04\0\x40\x42\x0f\0");
    assert_eq!(read(&reader, &old, 87_400_000), Ok(Some(87_400_000)), "without a maximum age: a day");
    assert_eq!(read(&reader, &sign("salt", b"t\0\0\0\0"), 0), Err(ReadError::Form));
    // The caller's maximum age counts.
    let hour = reader.clone().max_age(Duration::from_secs(3600));
    assert_eq!(read(&hour, &minute, 4_600_000), Ok(Some(4_600_000)));
    assert_eq!(read(&hour, &minute, 4_600_001), Err(ReadError::Expired));
    assert_eq!(read(&reader.clone().max_age(Duration::ZERO), &minute, 1_000_000), Err(ReadError::Expired));
    assert_eq!(read(&reader.any_age(), &minute, u64::MAX), Ok(None));
}

#[test]
fn readers_are_for_one_salt_one_secret_and_one_algorithm() {
    let now = Timestamp::default();
    let text = sign("new", b"t\0\0\0\0");
    let new = PlugReader::signed_session(&keys(), "new").unwrap();
    let old = PlugReader::signed_session(&keys(), "old").unwrap();
    let other = PlugReader::signed_session(&PlugKeys::new("other").iterations(2), "new").unwrap();
    let encrypted = PlugReader::encrypted_session(&keys(), "new", "new").unwrap();
    for reader in [&old, &other, &encrypted, &new.clone().algorithm(Algorithm::Hs512)] {
        assert_eq!(reader.read(text.as_bytes(), now).err(), Some(ReadError::NotAuthentic));
    }
    assert!(other.or(encrypted).or(new).read(text.as_bytes(), now).is_ok());

    let key = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(SECRET.as_bytes(), b"old", 2);
    let text = "SFM1MTI.g2o";
    let mac = Hmac::<Sha512>::new_from_slice(&key).unwrap().chain_update(text).finalize().into_bytes();
    let text = format!("{text}.{}", b64(&mac));
    assert_eq!(old.read(text.as_bytes(), now).err(), Some(ReadError::NotAuthentic));
    assert!(old.algorithm(Algorithm::Hs512).read(text.as_bytes(), now).is_ok());
    assert_eq!(PlugReader::signed_token(&PlugKeys::new(""), "x").err(), Some(OptionsError::NoSecret));
}

#[test]
fn rows_are_read_until_they_expire() {
    let id = "aB3+".repeat(32);
    let (from, to) = (Timestamp::from_unix_seconds(1000), Timestamp::from_unix_seconds(4600));
    let rows = PlugRows::new(PlugReader::signed_session(&keys(), "salt").unwrap());
    let session = b"t\0\0\0\x01w\x07user_ida\x2a";
    let signed = sign("salt", session);
    let row = PlugRow { id: &id, data: signed.as_bytes(), valid_from: Some(from), valid_to: to };

    let adopted = rows.read(row, Timestamp::from_unix_ms(4_599_999)).unwrap().subject_from("user_id");
    assert_eq!(adopted.subject.as_deref(), Some("42"));
    assert_eq!((adopted.created_at, adopted.expires_at), (Some(from), Some(to)));
    assert_eq!(adopted.retire.as_deref(), Some(id.as_str()));
    assert_eq!(rows.read(row, to).err(), Some(ReadError::Expired));

    let plain = b64(&[&[131], session.as_slice()].concat());
    for text in [plain.clone(), format!("{plain}=")] {
        let adopted = PlugRows::plain().read(PlugRow { data: text.as_bytes(), ..row }, from).unwrap();
        assert_eq!(adopted.data.value("user_id").and_then(subject_of).as_deref(), Some("42"));
        assert_eq!(rows.read(PlugRow { data: text.as_bytes(), ..row }, from).err(), Some(ReadError::NotAuthentic));
    }
    let list = sign("salt", b"j");
    let refused = rows.read(PlugRow { data: list.as_bytes(), ..row }, from);
    assert_eq!(refused.err(), Some(ReadError::Term(TermError::NotAMap)));

    assert!(is_row_id(&id));
    for other in ["", "short", &id[1..], &"é".repeat(64), &" ".repeat(128)] {
        assert!(!is_row_id(other));
    }
}
