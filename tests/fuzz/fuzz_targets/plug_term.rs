//! Hostile terms of Erlang. What decodes can be kept in a session and read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_adopt::plug::decode_term;
use waxseal_core::{Data, Value};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Value::Map(data)) = decode_term(bytes) {
        assert_eq!(Data::decode(&data.encode()).unwrap(), data);
    }
});
