//! Properties: whatever the values, keys and bytes are.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    collections::BTreeMap,
    time::Duration,
};

use proptest::prelude::*;
use waxseal_core::{
    Data, EdgeKeys, Feed, Keyring, Nonce, OpenError, Protection, RootKey, RowContext, RowError, RowId, SealError,
    Secret, Terms, Ticket, TicketError, Timeouts, Timestamp, Value, from_value, to_value,
};

// --- How much is allocated --------------------------------------------------------------------------------------------------

struct Counting;

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// A global allocator is unsafe by its trait; this one only counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATED.try_with(|bytes| bytes.set(bytes.get() + layout.size()));
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The result of `f`, how many bytes it allocated (freed ones too), and in how many allocations.
fn measured<T>(f: impl FnOnce() -> T) -> (T, usize, usize) {
    let before = (ALLOCATED.get(), ALLOCATIONS.get());
    let result = f();
    (result, ALLOCATED.get() - before.0, ALLOCATIONS.get() - before.1)
}

// --- Any values --------------------------------------------------------------------------------------------------------------

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::I64),
        (i64::MAX as u64 + 1..=u64::MAX).prop_map(Value::U64),
        any::<f64>().prop_map(Value::F64),
        ".{0,20}".prop_map(Value::Str),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::Seq),
            proptest::collection::btree_map(".{0,8}", inner, 0..8).prop_map(|map| to_value(&map).unwrap()),
        ]
    })
}

fn any_data() -> impl Strategy<Value = Data> {
    proptest::collection::btree_map(".{0,12}", any_value(), 0..6).prop_map(|map: BTreeMap<String, Value>| {
        match to_value(&map).unwrap() {
            Value::Map(data) => data,
            _ => unreachable!(),
        }
    })
}

fn protection() -> impl Strategy<Value = Protection> {
    prop_oneof![Just(Protection::Sealed), Just(Protection::Signed)]
}

fn subject() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[a-zà-ü0-9@._-]{1,40}")
}

fn keyring() -> Keyring {
    Keyring::new([RootKey::generate().unwrap()]).unwrap()
}

fn nonce() -> Nonce {
    Nonce::random().unwrap()
}

fn ticket(now: u64, subject: Option<&str>, claims: Data) -> Ticket {
    let terms = Timeouts::default().terms();
    let ticket = Ticket::issue(Secret::random().unwrap(), Timestamp::from_unix_ms(now), terms, subject, claims);
    ticket.unwrap().at_generation(1)
}

const NOW: u64 = 1_790_000_000_123;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_round_trips(value in any_value()) {
        let mut data = Data::new();
        data.insert("k", &value).unwrap();
        let decoded = Data::decode(&data.encode()).unwrap();
        prop_assert_eq!(decoded.value("k"), Some(&value));
        prop_assert_eq!(from_value::<Value>(&value).unwrap(), value);
    }

    #[test]
    fn any_ticket_round_trips(
        claims in any_data(),
        subject in subject(),
        protection in protection(),
        created in 0..1u64 << 47,
        (idle, lifetime, persistent) in (1..u64::from(u32::MAX), 1..u64::from(u32::MAX), any::<bool>()),
        generation in any::<u64>(),
    ) {
        let keyring = keyring();
        let created = Timestamp::from_unix_ms(created);
        let terms = Terms::new(Duration::from_secs(idle), Duration::from_secs(lifetime), persistent);
        let ticket = Ticket::issue(Secret::random().unwrap(), created, terms, subject.as_deref(), claims).unwrap();
        let ticket = ticket.at_generation(generation);
        let text = keyring.write_ticket(&ticket, "s", protection, nonce()).unwrap();
        prop_assume!(text.len() <= 4096);
        let edge = EdgeKeys::from_text(&keyring.export_edge_keys(false)).unwrap();
        for opened in [
            keyring.open_ticket("s", text.as_bytes(), ticket.issued_at()).unwrap(),
            edge.open_ticket("s", text.as_bytes(), ticket.issued_at()).unwrap(),
        ] {
            prop_assert_eq!(opened.row_id(), ticket.row_id());
            prop_assert_eq!(opened.subject(), ticket.subject());
            prop_assert_eq!(opened.claims(), ticket.claims());
            prop_assert_eq!((opened.terms(), opened.generation()), (terms, generation));
            prop_assert_eq!(
                (opened.created_at(), opened.issued_at(), opened.expires_at(), opened.deadline()),
                (ticket.created_at(), ticket.issued_at(), ticket.expires_at(), ticket.deadline())
            );
        }
    }

    #[test]
    fn any_row_round_trips_and_opens_nowhere_else(
        data in any_data(),
        subject in subject(),
        protection in protection(),
        generation in any::<u64>(),
    ) {
        let keyring = keyring();
        let ticket = ticket(NOW, subject.as_deref(), Data::new());
        let context = ticket.row_context(generation);
        let row = keyring.write_row(ticket.secret(), &context, &data, protection, nonce()).unwrap();
        let open = |secret: &Secret, context: &RowContext<'_>| {
            keyring.open_row_of_any_generation(secret, context, row.clone())
        };
        prop_assert_eq!(&open(ticket.secret(), &context).unwrap(), &data);
        // The ticket knows how new its row is at least.
        let knowing = ticket.clone().at_generation(generation.max(1));
        prop_assert_eq!(keyring.open_row(&knowing, generation, row.clone()).is_ok(), generation >= 1);
        if let Some(newer) = generation.checked_add(1) {
            let behind = RowError::Behind { row: generation, ticket: newer };
            prop_assert_eq!(keyring.open_row(&ticket.clone().at_generation(newer), generation, row.clone()).unwrap_err(), behind);
        }

        let other_subject = format!("{}x", subject.as_deref().unwrap_or_default());
        let elsewhere = [
            RowContext { row_id: RowId::derive(&Secret::random().unwrap(), context.created_at), ..context },
            RowContext { generation: generation.wrapping_add(1), ..context },
            RowContext { created_at: context.created_at.plus_seconds(1), ..context },
            RowContext { lifetime_s: context.lifetime_s + 1, ..context },
            RowContext { subject: Some(&other_subject), ..context },
            RowContext { subject: if subject.is_some() { None } else { Some("") }, ..context },
        ];
        for context in elsewhere {
            prop_assert!(open(ticket.secret(), &context).is_err(), "{:?}", context);
        }
        prop_assert!(open(&Secret::random().unwrap(), &context).is_err());
        prop_assert!(self::keyring().open_row_of_any_generation(ticket.secret(), &context, row).is_err());
    }

    #[test]
    fn any_feed_round_trips_and_names_what_it_was_given_alone(
        ended in proptest::collection::vec(any::<[u8; 16]>().prop_map(RowId::from_bytes), 0..60),
        other in any::<[u8; 16]>().prop_map(RowId::from_bytes),
        (a, b) in (any::<u64>(), any::<u64>()),
    ) {
        let keyring = keyring();
        let (since, as_of) = (Timestamp::from_unix_ms(a.min(b)), Timestamp::from_unix_ms(a.max(b)));
        let feed = Feed::new(since, as_of, ended.iter().copied());
        let bytes = keyring.write_feed(&feed, "s").unwrap();
        prop_assert_eq!(&bytes, &keyring.write_feed(&Feed::new(since, as_of, ended.iter().rev().copied()), "s").unwrap());
        let edge = EdgeKeys::from_text(&keyring.export_edge_keys(false)).unwrap();
        let opened = edge.open_feed("s", bytes.clone()).unwrap();
        prop_assert_eq!((opened.since(), opened.as_of()), (since, as_of));
        prop_assert!(ended.iter().all(|id| opened.contains(id)));
        prop_assert_eq!(opened.contains(&other), ended.iter().any(|id| id.as_bytes()[8..] == other.as_bytes()[8..]));
        prop_assert_eq!(edge.open_feed("t", bytes.clone()).unwrap_err(), OpenError::Forged);
        prop_assert_eq!(self::keyring().open_feed("s", bytes).unwrap_err(), OpenError::UnknownKey(keyring.primary_id()));
    }

    #[test]
    fn one_map_has_one_spelling(bytes in proptest::collection::vec(prop_oneof![Just(0u8), Just(0x80), Just(1), 0..10u8], 0..12)) {
        if let Ok(data) = Data::decode(&bytes) {
            prop_assert_eq!(data.encode(), bytes);
        }
    }

    #[test]
    fn decoding_any_bytes_never_panics_and_allocates_little(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let (_, allocated, _) = measured(|| drop(Data::decode(&bytes)));
        prop_assert!(allocated <= 4096 + 256 * bytes.len(), "{allocated} for {}", bytes.len());
    }

    #[test]
    fn opening_any_bytes_never_panics_and_allocates_the_decoded_bytes_alone(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let keyring = keyring();
        let mut looks_real = vec![1];
        looks_real.extend(keyring.primary_id().as_bytes());
        looks_real.extend(&bytes);
        let text: String = base64(&looks_real);
        let (result, allocated, allocations) =
            measured(|| keyring.open_ticket("s", text.as_bytes(), Timestamp::from_unix_ms(NOW)).map(drop));
        prop_assert!(result.is_err());
        prop_assert!(allocations <= 1 && allocated <= text.len(), "{allocations}: {allocated}");
        let _ = keyring.open_ticket("s", &bytes, Timestamp::from_unix_ms(NOW)).map(drop);
        let ticket = ticket(NOW, None, Data::new());
        prop_assert!(keyring.open_row(&ticket, 1, bytes.clone()).is_err());
        looks_real[0] = 2;
        let (result, _, allocations) = measured(|| keyring.open_feed("s", looks_real).map(drop));
        prop_assert!(result.is_err() && allocations == 0);
        prop_assert!(keyring.open_feed("s", bytes).is_err());
    }
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for index in 0..=chunk.len() {
            text.push(ALPHABET[(bits >> (18 - 6 * index) & 63) as usize] as char);
        }
    }
    text
}

#[test]
fn a_claimed_length_does_not_allocate() {
    // A sequence that claims 2^28 elements, text that claims 2^28 bytes, a map that claims 2^28 entries.
    for bytes in [
        [1, 1, b'k', 7, 0x80, 0x80, 0x80, 0x80, 1],
        [1, 1, b'k', 5, 0x80, 0x80, 0x80, 0x80, 1],
        [0x80, 0x80, 0x80, 0x80, 1, 1, 1, 1, 1],
    ] {
        let (result, allocated, _) = measured(|| Data::decode(&bytes).is_err());
        assert!(result && allocated < 4096, "{allocated}");
    }
}

#[test]
fn every_flipped_bit_of_a_cookie_is_refused() {
    let keyring = keyring();
    let mut claims = Data::new();
    claims.insert("role", "admin").unwrap();
    let ticket = ticket(NOW, Some("ada"), claims);
    for protection in [Protection::Sealed, Protection::Signed] {
        let text = keyring.write_ticket(&ticket, "s", protection, nonce()).unwrap();
        for index in 0..text.len() {
            for bit in 0..8 {
                let mut bytes = text.clone().into_bytes();
                bytes[index] ^= 1 << bit;
                assert!(keyring.open_ticket("s", &bytes, ticket.created_at()).is_err(), "{index}.{bit}");
            }
        }
        for len in 0..text.len() {
            assert!(keyring.open_ticket("s", &text.as_bytes()[..len], ticket.created_at()).is_err());
        }
        assert!(keyring.open_ticket("s", format!("{text}A").as_bytes(), ticket.created_at()).is_err());
        assert_eq!(keyring.open_ticket("t", text.as_bytes(), ticket.created_at()).unwrap_err(), TicketError::Forged);
        assert!(matches!(
            self::keyring().open_ticket("s", text.as_bytes(), ticket.created_at()),
            Err(TicketError::UnknownKey(id)) if id == keyring.primary_id()
        ));
    }
}

#[test]
fn every_flipped_bit_of_a_row_is_refused() {
    let keyring = keyring();
    let ticket = ticket(NOW, Some("ada"), Data::new());
    let context = ticket.row_context(7);
    let mut data = Data::new();
    data.insert("basket", &["bread", "salt"]).unwrap();
    for protection in [Protection::Sealed, Protection::Signed] {
        let row = keyring.write_row(ticket.secret(), &context, &data, protection, nonce()).unwrap();
        for index in 0..row.len() {
            for bit in 0..8 {
                let mut bytes = row.clone();
                bytes[index] ^= 1 << bit;
                assert!(keyring.open_row(&ticket, 7, bytes).is_err(), "{index}.{bit}");
            }
        }
    }
}

#[test]
fn every_flipped_bit_of_a_feed_is_refused() {
    let keyring = keyring();
    let now = Timestamp::from_unix_ms(NOW);
    let feed = Feed::new(now, now, [1, 2, 3].map(|n| RowId::from_bytes([n; 16])));
    let bytes = keyring.write_feed(&feed, "s").unwrap();
    for index in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[index] ^= 1 << bit;
            assert!(keyring.open_feed("s", bytes).is_err(), "{index}.{bit}");
        }
        assert!(keyring.open_feed("s", bytes[..index].to_vec()).is_err());
    }
}

#[test]
fn a_feed_of_100_000_is_800_kilobytes_and_one_over_the_bound_is_refused() {
    let keyring = keyring();
    let now = Timestamp::from_unix_ms(NOW);
    let ids = |count: u64| (0..count).map(|n| RowId::from_bytes((u128::from(n) * 7).to_be_bytes()));
    let bytes = keyring.write_feed(&Feed::new(now, now, ids(100_000)), "s").unwrap();
    assert_eq!(bytes.len(), 800_054);
    let (feed, allocated, allocations) = measured(|| keyring.open_feed("s", bytes).unwrap());
    assert!(feed.len() == 100_000 && allocations == 1 && allocated == 800_000, "{allocations}: {allocated}");
    let longest = keyring.write_feed(&Feed::new(now, now, ids(1 << 20)), "s").unwrap();
    assert_eq!(keyring.open_feed("s", longest.clone()).unwrap().len(), 1 << 20);
    assert_eq!(keyring.open_feed("s", [longest, vec![0; 8]].concat()).unwrap_err(), OpenError::Malformed);
    assert_eq!(keyring.write_feed(&Feed::new(now, now, ids((1 << 20) + 1)), "s"), Err(SealError::FeedTooLong));
}

#[test]
fn cookie_and_row_keys_do_not_stand_in_for_each_other() {
    let keyring = keyring();
    let ticket = ticket(NOW, None, Data::new());
    let context = ticket.row_context(1);
    for protection in [Protection::Sealed, Protection::Signed] {
        let row = keyring.write_row(ticket.secret(), &context, &Data::new(), protection, nonce()).unwrap();
        assert_eq!(
            keyring.open_ticket("s", base64(&row).as_bytes(), ticket.created_at()).unwrap_err(),
            TicketError::Forged
        );
    }
    let signed = keyring.write_ticket(&ticket, "s", Protection::Signed, nonce()).unwrap();
    assert!(matches!(keyring.open_row(&ticket, 1, signed.into_bytes()), Err(RowError::Envelope(_))));
}

#[test]
fn a_seal_shows_nothing_and_no_two_are_alike() {
    let keyring = keyring();
    let ticket = ticket(NOW, Some("ada-lovelace"), Data::new());
    let seal = || keyring.write_ticket(&ticket, "s", Protection::Sealed, nonce()).unwrap();
    assert_ne!(seal(), seal());
    let debug = format!("{ticket:?} {keyring:?} {:?}", RootKey::generate().unwrap());
    assert!(!debug.contains("Secret([") && debug.contains("redacted"));
}

#[test]
fn timeouts_compose() {
    let timeouts = Timeouts::new(Duration::from_secs(10), Duration::from_secs(25), Duration::from_secs(2)).unwrap();
    let mut now = Timestamp::from_unix_seconds(1000);
    let mut ticket = Ticket::issue(Secret::random().unwrap(), now, timeouts.terms(), None, Data::new()).unwrap();
    for _ in 0..5 {
        now = now.plus_seconds(5);
        ticket = ticket.reissued(now, timeouts.expires_at(now, ticket.idle_s(), ticket.deadline()), Data::new());
    }
    assert_eq!(ticket.expires_at(), ticket.deadline());
}
