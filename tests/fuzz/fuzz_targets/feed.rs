//! Hostile feeds: what somebody between the application and a worker could answer.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use waxseal_core::{Keyring, RootKey};

static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
    let bytes = std::array::from_fn(|i| (i as u8).wrapping_mul(89) ^ (i as u8).rotate_left(3) ^ 0x5a);
    Keyring::new([RootKey::from_bytes(bytes).unwrap()]).unwrap()
});

fuzz_target!(|feed: &[u8]| {
    let mut with_id = feed.to_vec();
    if let Some(id) = with_id.get_mut(1..5) {
        id.copy_from_slice(KEYRING.primary_id().as_bytes());
    }
    for feed in [feed.to_vec(), with_id] {
        assert!(KEYRING.open_feed("__Host-session", feed).is_err());
    }
});
