//! Hostile cookie values: as they are, and as the contents of an envelope with a known key id.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use waxseal_core::{Keyring, RootKey, Timestamp};

static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
    let bytes = std::array::from_fn(|i| (i as u8).wrapping_mul(89) ^ (i as u8).rotate_left(3) ^ 0x5a);
    Keyring::new([RootKey::from_bytes(bytes).unwrap()]).unwrap()
});

fuzz_target!(|value: &[u8]| {
    let now = Timestamp::from_unix_seconds(1_790_000_000);
    // Nobody without the key makes a ticket that opens.
    assert!(KEYRING.open_ticket("session", value, now).is_err());
});
