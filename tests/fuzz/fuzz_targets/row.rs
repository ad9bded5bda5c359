//! Hostile row data: what somebody who writes to the database could put there.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use waxseal_core::{Data, Keyring, RootKey, Secret, Ticket, Timeouts, Timestamp};

static OPENER: LazyLock<(Keyring, Ticket)> = LazyLock::new(|| {
    let bytes = std::array::from_fn(|i| (i as u8).wrapping_mul(89) ^ (i as u8).rotate_left(3) ^ 0x5a);
    let now = Timestamp::from_unix_seconds(1_790_000_000);
    let ticket = Ticket::issue(Secret::from_bytes([7; 32]), now, Timeouts::default().terms(), Some("ada"), Data::new()).unwrap();
    (Keyring::new([RootKey::from_bytes(bytes).unwrap()]).unwrap(), ticket.at_generation(1))
});

fuzz_target!(|row: &[u8]| {
    let (keyring, ticket) = &*OPENER;
    let mut with_id = row.to_vec();
    if let Some(id) = with_id.get_mut(1..5) {
        id.copy_from_slice(keyring.primary_id().as_bytes());
    }
    for row in [row.to_vec(), with_id] {
        assert!(keyring.open_row(ticket, 1, row).is_err());
    }
});
