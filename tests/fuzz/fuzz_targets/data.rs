//! Hostile encoded data. What decodes has one encoding, and reads as a plain value.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_core::{Data, Value, from_value, to_value};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(data) = Data::decode(bytes) {
        assert_eq!(data.encode(), bytes);
        for (_, value) in data.iter() {
            assert_eq!(from_value::<Value>(value).unwrap(), *value);
            assert_eq!(to_value(value).unwrap(), *value);
        }
        // The map itself is one level more than what may be written or read.
        let value = Value::Map(data);
        let _ = (to_value(&value), from_value::<Value>(&value));
    }
});
