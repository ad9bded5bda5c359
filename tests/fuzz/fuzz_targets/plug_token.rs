//! Hostile cookies and tokens of Plug and Phoenix. None is authentic: nobody knows the keys.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use waxseal_adopt::plug::{Algorithm, PlugKeys, PlugReader, PlugRow, PlugRows, ReadError};
use waxseal_core::Timestamp;

static READER: LazyLock<PlugReader> = LazyLock::new(|| {
    let keys = PlugKeys::new("a secret key base that no input was made with").iterations(1);
    PlugReader::signed_session(&keys, "signing")
        .unwrap()
        .or(PlugReader::encrypted_session(&keys, "encryption", "signing").unwrap())
        .or(PlugReader::encrypted_token(&keys.length(24), "token").unwrap())
});
static SHA512: LazyLock<PlugReader> = LazyLock::new(|| READER.clone().algorithm(Algorithm::Hs512));

fuzz_target!(|bytes: &[u8]| {
    let now = Timestamp::from_unix_seconds(1_790_000_000);
    for reader in [&*READER, &*SHA512] {
        assert_eq!(reader.read(bytes, now).err(), Some(ReadError::NotAuthentic));
    }
    let row = PlugRow { id: "", data: bytes, valid_from: None, valid_to: now };
    let _ = PlugRows::plain().read(row, Timestamp::default());
});
