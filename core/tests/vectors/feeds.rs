//! The vectors of the feed of ended sessions.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use waxseal_core::{EdgeKeys, Feed, Keyring, Nonce, OpenError, Protection, RowId, Secret, Standing, Timestamp};

use crate::{
    CREATED_MS, bytes, compare,
    derive::{explain, signed},
    hex,
    inputs::{decode_base64, fixed_tickets},
    root,
};

#[test]
fn feeds() {
    let name = "__Host-session";
    let root_1 = bytes::<32>("root 1");
    let keyring = Keyring::new([root(1)]).unwrap();
    let edge = EdgeKeys::from_text(&keyring.export_edge_keys(false)).unwrap();
    let tickets: BTreeMap<_, _> = fixed_tickets().into_iter().collect();
    let at = Timestamp::from_unix_ms(CREATED_MS);
    let early = |seconds: u64| Timestamp::from_unix_ms(CREATED_MS - 1000 * seconds);
    let others = (1..=5).map(|n| RowId::derive(&Secret::from_bytes(bytes(&format!("ended {n}"))), at));
    let anonymous = tickets["anonymous"].row_id();
    let window = (early(570), at.plus_seconds(30));
    let feeds = [
        ("empty", Feed::new(window.0, window.1, [])),
        ("one", Feed::new(window.0, window.1, [anonymous])),
        ("six", Feed::new(window.0, window.1, others.chain([anonymous]))),
        ("too short a window", Feed::new(early(29), window.1, [])),
    ];
    let mut accepted = Vec::new();
    for (what, feed) in &feeds {
        let document = keyring.write_feed(feed, name).unwrap();
        assert_eq!(&edge.open_feed(name, document.clone()).unwrap(), feed);
        let marks: Vec<String> =
            document[22..document.len() - 32].as_chunks::<8>().0.iter().map(|mark| hex(mark)).collect();
        assert_eq!(marks.len(), feed.len());
        // What a worker concludes that takes feeds of up to ten seconds.
        let mut standings = Vec::new();
        for (ticket, now) in [
            ("anonymous", window.1),
            ("signed-in", window.1),
            ("signed-in", window.1.plus_seconds(10)),
            ("signed-in", window.1.plus_seconds(11)),
            ("stateless", window.1),
        ] {
            let standing = match feed.standing(&tickets[ticket], now, 10) {
                Standing::Ended => "ended",
                Standing::NotEnded => "not-ended",
                Standing::Unproved => "unproved",
            };
            standings.push(json!({
                "row_id": tickets[ticket].row_id().to_string(), "generation": tickets[ticket].generation(),
                "issued_s": tickets[ticket].issued_at().unix_seconds(), "now_ms": now.unix_ms(), "max_age_s": 10,
                "standing": standing,
            }));
        }
        accepted.push(json!({
            "name": what, "root": 0, "cookie_name": name, "since_ms": feed.since().unix_ms(),
            "as_of_ms": feed.as_of().unix_ms(), "marks": marks, "feed": hex(&document), "standings": standings,
            "envelope": explain(&document, "feed", &root_1, None, &[name.as_bytes()]),
        }));
    }

    let six = keyring.write_feed(&feeds[2].1, name).unwrap();
    let payload = &six[5..six.len() - 32];
    let changed = |f: fn(&mut Vec<u8>)| {
        let mut bytes = six.clone();
        f(&mut bytes);
        bytes
    };
    let authentic = |f: fn(&mut Vec<u8>)| {
        let mut payload = payload.to_vec();
        f(&mut payload);
        signed(&root_1, "feed", &[name.as_bytes()], &payload)
    };
    assert_eq!(authentic(|_| {}), six);
    let cookie = keyring.write_ticket(&tickets["signed-in"], name, Protection::Sealed, Nonce::from_bytes(bytes("n")));
    let cases = [
        (six.clone(), "other", "forged", "another cookie name"),
        (signed(&root_1, "cookie", &[name.as_bytes()], payload), name, "forged", "signed with the cookies' key"),
        (changed(|b| b[30] ^= 1), name, "forged", "one bit of a mark"),
        (changed(|b| b[20] ^= 1), name, "forged", "one bit of its time"),
        (changed(|b| *b.last_mut().unwrap() ^= 1), name, "forged", "one bit of the tag"),
        (changed(|b| drop(b.drain(22..30))), name, "forged", "a mark was taken out"),
        (changed(|b| b[1] ^= 1), name, "unknown-key", "another key id"),
        (changed(|b| b[0] = 3), name, "malformed", "an unknown kind"),
        (decode_base64(&cookie.unwrap()), name, "malformed", "a sealed envelope"),
        (six[..36].to_vec(), name, "malformed", "too short for header and tag"),
        (Vec::new(), name, "malformed", "nothing"),
        (authentic(|b| b[0] = 2), name, "malformed", "authentic, of another version"),
        (authentic(|b| b.truncate(16)), name, "malformed", "authentic, without its times"),
        (authentic(|b| b.truncate(24)), name, "malformed", "authentic, with half a mark"),
        (authentic(|b| b[17..33].rotate_left(8)), name, "malformed", "authentic, with marks out of order"),
        (authentic(|b| b.copy_within(17..25, 25)), name, "malformed", "authentic, with a mark twice"),
        (
            authentic(|b| b[1..17].rotate_left(8)),
            name,
            "malformed",
            "authentic, with a window that ends before it begins",
        ),
    ];
    let refused: Vec<Json> = cases
        .into_iter()
        .map(|(document, name, reason, why)| {
            let found = match edge.open_feed(name, document.clone()).unwrap_err() {
                OpenError::Malformed => "malformed",
                OpenError::UnknownKey(_) => "unknown-key",
                OpenError::Forged => "forged",
                other => panic!("{other}"),
            };
            assert_eq!(found, reason, "{why}");
            json!({ "root": 0, "cookie_name": name, "feed": hex(&document), "reason": reason, "why": why })
        })
        .collect();
    compare("feeds.json", &json!({ "accepted": accepted, "refused": refused }));
}
