//! The vectors of data: what is accepted, and other spellings, which are refused.

use serde_json::{Value as Json, json};
use waxseal_core::Data;

use crate::{
    compare, hex,
    inputs::{all_kinds, claims, typed_data},
};

#[test]
fn data() {
    let accepted: Vec<Json> = [Data::new(), claims(), all_kinds()]
        .map(|data| json!({ "data": typed_data(&data), "encoded": hex(&data.encode()) }))
        .into();
    let nested = |levels: usize| [vec![1, 1, b'k'], [7, 1].repeat(levels), vec![0]].concat();
    assert!(Data::decode(&nested(32)).is_ok());
    let refused: Vec<Json> = [
        (vec![], "no bytes"),
        (vec![0, 0], "bytes after the data"),
        (vec![2, 1, b'a', 0], "fewer entries than claimed"),
        (vec![1, 1, b'a', 9], "an unknown tag"),
        (vec![1, 1, b'a', 1, 2], "a bool that is neither 0 nor 1"),
        (vec![1, 1, b'a', 3, 5], "a U64 that fits into I64"),
        (vec![1, 1, 0xff, 0], "a key that is not UTF-8"),
        (vec![2, 1, b'b', 0, 1, b'a', 0], "keys out of order"),
        (vec![2, 1, b'a', 0, 1, b'a', 0], "a key twice"),
        (vec![1, 1, b'a', 5, 0x80, 0x80, 0x80, 0x80, 1], "text longer than the input"),
        (nested(33), "33 levels"),
        (vec![0x80, 0], "an overlong count"),
        (vec![1, 0x81, 0, b'a', 0], "an overlong length"),
        (vec![1, 1, b'a', 0x80, 0], "an overlong tag"),
        (vec![1, 1, b'a', 2, 0x84, 0], "an overlong integer"),
    ]
    .map(|(bytes, why)| {
        assert!(Data::decode(&bytes).is_err(), "{why}");
        json!({ "encoded": hex(&bytes), "why": why })
    })
    .into();
    compare("data.json", &json!({ "accepted": accepted, "refused": refused }));
}
