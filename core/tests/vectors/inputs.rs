//! The fixed inputs of the vectors, and how they are written as JSON.

use std::{collections::BTreeMap, time::Duration};

use base64_simd::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};
use waxseal_core::{Data, Protection, Secret, Terms, Ticket, Timeouts, Timestamp, Value};

use crate::{CREATED_MS, bytes, hex};

/// A value with its type, losing nothing: integers as text, floats as the hexadecimal of their bits.
pub(crate) fn typed(value: &Value) -> Json {
    match value {
        Value::Null => json!({ "null": null }),
        Value::Bool(v) => json!({ "bool": v }),
        Value::I64(v) => json!({ "i64": v.to_string() }),
        Value::U64(v) => json!({ "u64": v.to_string() }),
        Value::F64(v) => json!({ "f64": format!("{:016x}", v.to_bits()) }),
        Value::Str(v) => json!({ "str": v }),
        Value::Bytes(v) => json!({ "bytes": hex(v) }),
        Value::Seq(v) => json!({ "seq": v.iter().map(typed).collect::<Vec<_>>() }),
        Value::Map(v) => json!({ "map": typed_data(v) }),
    }
}

pub(crate) fn typed_data(data: &Data) -> Json {
    data.iter().map(|(key, value)| (key.to_owned(), typed(value))).collect::<serde_json::Map<_, _>>().into()
}

pub(crate) fn all_kinds() -> Data {
    let mut data = Data::new();
    data.insert("", &()).unwrap();
    data.insert("bool", &true).unwrap();
    data.insert("float", &-1.5e300).unwrap();
    data.insert("huge", &u64::MAX).unwrap();
    data.insert("least", &i64::MIN).unwrap();
    data.insert("map", &BTreeMap::from([("a", 1), ("b", -1)])).unwrap();
    data.insert("raw", serde_bytes::Bytes::new(&[0, 1, 254, 255])).unwrap();
    data.insert("seq", &(1, "two", None::<u8>, [300])).unwrap();
    data.insert("zürich", &"☃").unwrap();
    data
}

pub(crate) fn claims() -> Data {
    let mut claims = Data::new();
    claims.insert("role", &"admin").unwrap();
    claims.insert("plan", &3).unwrap();
    claims
}

pub(crate) fn protection_name(protection: Protection) -> &'static str {
    match protection {
        Protection::Sealed => "sealed",
        Protection::Signed => "signed",
    }
}

pub(crate) fn decode_base64(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode_to_vec(text).unwrap()
}

pub(crate) fn fixed_tickets() -> Vec<(&'static str, Ticket)> {
    let at = Timestamp::from_unix_ms(CREATED_MS);
    let seconds = Duration::from_secs;
    let timeouts = Timeouts::new(seconds(1800), seconds(28_800), seconds(60)).unwrap();
    let secret = |n: u8| Secret::from_bytes(bytes(&format!("secret {n}")));
    let until_browser_closes = timeouts.terms().with_persistence(false);
    let anonymous = Ticket::issue(secret(1), at, until_browser_closes, None, Data::new()).unwrap().at_generation(1);
    let signed_in = Ticket::issue(secret(2), at, timeouts.terms(), Some("ada@example.com"), claims()).unwrap();
    let signed_in = signed_in.at_generation(2);
    let later = at.plus_seconds(28_000);
    let expires_at = timeouts.expires_at(later, signed_in.idle_s(), signed_in.deadline());
    let touched = signed_in.reissued(later, expires_at, all_kinds()).at_generation(300);
    let month = seconds(30 * 24 * 3600);
    let remembered = Ticket::issue(secret(2), at, Terms::new(month, month, true), Some("ada@example.com"), claims());
    let stateless = Ticket::issue(secret(2), at, timeouts.terms(), None, all_kinds()).unwrap();
    vec![
        ("anonymous", anonymous),
        ("signed-in", signed_in.clone()),
        ("touched", touched),
        ("saved", signed_in.at_generation(3)),
        ("remembered", remembered.unwrap().at_generation(1)),
        ("stateless", stateless),
    ]
}

pub(crate) fn secret_of(name: &str) -> [u8; 32] {
    bytes(if name == "anonymous" { "secret 1" } else { "secret 2" })
}
