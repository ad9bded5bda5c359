//! The test vectors of FORMAT.md: generated from fixed inputs and compared with `tests/vectors/*.json`.
//!
//! The intermediate values are derived here from FORMAT.md alone, beside the library, and compared with what it made.
//! `tests/vectors/frozen.sha256` keeps them as they are: what version 1 has written must always open.
//! `WAXSEAL_WRITE_VECTORS=1 cargo test -p waxseal-core --test vectors` writes those that are not frozen yet.

#![allow(missing_docs, clippy::unwrap_used)]

mod feeds;

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use aes_gcm::aes::{Aes256, cipher::BlockCipherEncrypt};
use base64_simd::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value as Json, json};
use sha2::Sha256;
use waxseal_core::{
    Data, EdgeKeys, Keyring, Nonce, OpenError, Protection, RootKey, RowContext, RowError, Secret, Terms, Ticket,
    TicketError, Timeouts, Timestamp, Value,
};

const CREATED_MS: u64 = 1_790_000_000_123;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Fixed bytes that look random: the SHA-256 of a label.
fn bytes<const N: usize>(label: &str) -> [u8; N] {
    use sha2::Digest;
    Sha256::digest(label)[..N].try_into().unwrap()
}

fn root(n: u8) -> RootKey {
    RootKey::from_bytes(bytes(&format!("root {n}"))).unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors")
}

/// The names and SHA-256 hashes of the files that no change may touch, as `sha256sum` writes them.
fn frozen() -> Vec<(String, String)> {
    let text = fs::read_to_string(folder().join("frozen.sha256")).unwrap();
    text.lines().map(|line| line.split_once("  ").unwrap()).map(|(hash, file)| (file.into(), hash.into())).collect()
}

fn compare(file: &str, json: &Json) {
    let path = folder().join(file);
    let text = serde_json::to_string_pretty(json).unwrap() + "\n";
    let is_frozen = frozen().iter().any(|(name, _)| name == file);
    if env::var_os("WAXSEAL_WRITE_VECTORS").is_some() && !is_frozen {
        fs::write(&path, &text).unwrap();
    }
    assert!(fs::read_to_string(&path).unwrap() == text, "{file} is not what the code gives; the format has changed");
}

#[test]
fn the_format_is_frozen() {
    use sha2::Digest;
    let frozen = frozen();
    for file in ["data.json", "feeds.json", "keys.json", "rows.json", "tickets.json"] {
        assert!(frozen.iter().any(|(name, _)| name == file), "{file} is not frozen");
    }
    for (file, expected) in frozen {
        let hash = hex(&sha2::Sha256::digest(fs::read(folder().join(&file)).unwrap()));
        assert_eq!(hash, expected, "{file} has changed; version 1 of the format is frozen, so a change is a version 2");
    }
}

fn hkdf(root: &[u8], info: &str, len: usize) -> Vec<u8> {
    let mut out = vec![0; len];
    Hkdf::<Sha256>::new(Some(b"waxseal/v1"), root).expand(info.as_bytes(), &mut out).unwrap();
    out
}

fn pae(pieces: &[&[u8]]) -> Vec<u8> {
    let mut out = (pieces.len() as u64).to_le_bytes().to_vec();
    for piece in pieces {
        out.extend((piece.len() as u64).to_le_bytes());
        out.extend(*piece);
    }
    out
}

/// The AES-256-GCM key of one message, as C2SP's page writes it: two blocks of the SP 800-108 key derivation by CMAC.
fn derived_key(key: &[u8], nonce: &[u8]) -> [u8; 32] {
    use aes_gcm::KeyInit;
    let aes = Aes256::new_from_slice(key).unwrap();
    let block = |bytes: [u8; 16]| {
        let mut block = bytes.into();
        aes.encrypt_block(&mut block);
        <[u8; 16]>::from(block)
    };
    let l = u128::from_be_bytes(block([0; 16]));
    let k1 = (l << 1) ^ if l >> 127 == 1 { 0x87 } else { 0 };
    let part = |counter: u8| {
        let mut message = [0; 16];
        message[..4].copy_from_slice(&[0, counter, b'X', 0]);
        message[4..].copy_from_slice(&nonce[..12]);
        block((u128::from_be_bytes(message) ^ k1).to_be_bytes())
    };
    [part(1), part(2)].concat().try_into().unwrap()
}

/// The intermediate values of an envelope, derived from FORMAT.md, and the proof that they give it.
fn explain(envelope: &[u8], usage: &str, root: &[u8], secret: Option<&[u8]>, context: &[&[u8]]) -> Json {
    let id = &envelope[1..5];
    assert_eq!(id, hkdf(root, "key-id", 4));
    match envelope[0] {
        1 => {
            use aes_gcm::{Aes256Gcm, KeyInit, aead::AeadInOut};
            let nonce = &envelope[5..29];
            let subkey = hkdf(root, &format!("{usage}-seal"), 32);
            let key = match secret {
                None => subkey,
                Some(secret) => {
                    let mut key = vec![0; 32];
                    let info = [b"row".as_slice(), &[0], secret].concat();
                    Hkdf::<Sha256>::from_prk(&subkey).unwrap().expand(&info, &mut key).unwrap();
                    key
                }
            };
            let message_key = derived_key(&key, nonce);
            let pieces: Vec<&[u8]> = [&envelope[..29]].into_iter().chain(context.iter().copied()).collect();
            let aad = pae(&pieces);
            let (ciphertext, tag) = envelope[29..].split_at(envelope.len() - 29 - 16);
            let mut plaintext = ciphertext.to_vec();
            Aes256Gcm::new_from_slice(&message_key)
                .unwrap()
                .decrypt_inout_detached(
                    &<[u8; 12]>::try_from(&nonce[12..]).unwrap().into(),
                    &aad,
                    plaintext.as_mut_slice().into(),
                    &tag.try_into().unwrap(),
                )
                .unwrap();
            json!({
                "nonce": hex(nonce), "xaes_key": hex(&key), "derived_key": hex(&message_key), "aad": hex(&aad),
                "plaintext": hex(&plaintext), "tag": hex(tag),
            })
        }
        2 => {
            let (payload, tag) = envelope[5..].split_at(envelope.len() - 5 - 32);
            let pieces: Vec<&[u8]> =
                [&envelope[..5]].into_iter().chain(context.iter().copied()).chain(secret).chain([payload]).collect();
            let input = pae(&pieces);
            let mut mac = Hmac::<Sha256>::new_from_slice(&hkdf(root, &format!("{usage}-sign"), 32)).unwrap();
            mac.update(&input);
            assert_eq!(mac.finalize().into_bytes().as_slice(), tag);
            json!({ "mac_input": hex(&input), "payload": hex(payload), "tag": hex(tag) })
        }
        kind => panic!("{kind}"),
    }
}

/// A value with its type, losing nothing: integers as text, floats as the hexadecimal of their bits.
fn typed(value: &Value) -> Json {
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

fn typed_data(data: &Data) -> Json {
    data.iter().map(|(key, value)| (key.to_owned(), typed(value))).collect::<serde_json::Map<_, _>>().into()
}

fn all_kinds() -> Data {
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

fn claims() -> Data {
    let mut claims = Data::new();
    claims.insert("role", &"admin").unwrap();
    claims.insert("plan", &3).unwrap();
    claims
}

fn protection_name(protection: Protection) -> &'static str {
    match protection {
        Protection::Sealed => "sealed",
        Protection::Signed => "signed",
    }
}

fn decode_base64(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode_to_vec(text).unwrap()
}

#[test]
fn keys() {
    let keys: Vec<Json> = [1, 2]
        .map(|n| {
            let (bytes, key) = (bytes::<32>(&format!("root {n}")), root(n));
            let keyring = Keyring::new([key.clone()]).unwrap();
            assert_eq!(hkdf(&bytes, "key-id", 4), key.id().as_bytes());
            let subkeys: serde_json::Map<_, _> = ["cookie-seal", "cookie-sign", "row-seal", "row-sign", "feed-sign"]
                .map(|info| (info.to_owned(), json!(hex(&hkdf(&bytes, info, 32)))))
                .into_iter()
                .collect();
            json!({
                "root": hex(&bytes), "text": *key.to_text(), "key_id": key.id().to_string(), "subkeys": subkeys,
                "edge_cookies": *keyring.export_edge_keys(false), "edge_rows": *keyring.export_edge_keys(true),
            })
        })
        .into();
    let good = root(1).to_text();
    let refused: Vec<Json> = [
        ("", "no key"),
        (&good[..42], "42 characters cannot be canonical base64 of 32 bytes"),
        ("AAAAAAAAAAAAAAAAAAAAAA", "16 bytes, not 32"),
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "one byte repeated"),
        ("Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZSAxMjM", "readable text"),
        (&format!("{}=", *good), "padding"),
        (&format!("{0},{0}", *good), "the same key twice"),
    ]
    .map(|(text, why)| {
        assert!(Keyring::from_text(text).is_err(), "{why}");
        json!({ "text": text, "why": why })
    })
    .into();
    compare("keys.json", &json!({ "keys": keys, "refused_lists": refused }));
}

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

fn fixed_tickets() -> Vec<(&'static str, Ticket)> {
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

fn secret_of(name: &str) -> [u8; 32] {
    bytes(if name == "anonymous" { "secret 1" } else { "secret 2" })
}

/// The signed-in ticket, authentic, with `idle_s` written in one byte more than it needs.
fn overlong(ticket: &Ticket, name: &str, protection: Protection) -> String {
    let id = hkdf(&bytes::<32>("root 1"), "key-id", 4);
    let keyring = Keyring::new([root(1)]).unwrap();
    let plain = decode_base64(
        &keyring.write_ticket(ticket, name, Protection::Signed, Nonce::from_bytes(bytes("unused"))).unwrap(),
    );
    let mut contents = plain[5..plain.len() - 32].to_vec();
    // 1800 as a varint is 88 0e; the overlong 88 8e 00 says the same.
    let at = contents[32..].windows(5).position(|w| w == [0x88, 0x0e, 2, 1, 1]).unwrap() + 32;
    contents.splice(at..at + 2, [0x88, 0x8e, 0x00]);
    let envelope = match protection {
        Protection::Signed => {
            let prefix = [&[2], &id[..]].concat();
            let mut mac = Hmac::<Sha256>::new_from_slice(&hkdf(&bytes::<32>("root 1"), "cookie-sign", 32)).unwrap();
            mac.update(&pae(&[&prefix, name.as_bytes(), &contents]));
            [prefix, contents, mac.finalize().into_bytes().to_vec()].concat()
        }
        Protection::Sealed => {
            use xaes_256_gcm::{
                Xaes256Gcm,
                aead::{Aead, KeyInit, Payload},
            };
            let nonce: [u8; 24] = bytes("overlong nonce");
            let header = [&[1], &id[..], &nonce].concat();
            let key: [u8; 32] = hkdf(&bytes::<32>("root 1"), "cookie-seal", 32).try_into().unwrap();
            let aad = pae(&[&header, name.as_bytes()]);
            let payload = Payload { msg: &contents, aad: &aad };
            [header, Xaes256Gcm::new(&key.into()).encrypt(&nonce.into(), payload).unwrap()].concat()
        }
    };
    URL_SAFE_NO_PAD.encode_to_string(&envelope)
}

#[test]
fn tickets() {
    let name = "__Host-session";
    let keyring = Keyring::new([root(1)]).unwrap();
    let edge = EdgeKeys::from_text(&keyring.export_edge_keys(false)).unwrap();
    let mut accepted = Vec::new();
    let mut refused = Vec::new();
    for (index, (what, ticket)) in fixed_tickets().into_iter().enumerate() {
        for protection in [Protection::Sealed, Protection::Signed] {
            let nonce = Nonce::from_bytes(bytes(&format!("ticket nonce {index}")));
            let cookie = keyring.write_ticket(&ticket, name, protection, nonce).unwrap();
            let envelope = decode_base64(&cookie);
            accepted.push(json!({
                "name": what, "protection": protection_name(protection), "root": 0, "cookie_name": name,
                "secret": hex(&secret_of(what)), "created_ms": CREATED_MS,
                "issued_after_s": ticket.issued_at().seconds_since(ticket.created_at()),
                "expires_after_s": ticket.expires_at().seconds_since(ticket.created_at()),
                "lifetime_s": ticket.lifetime_s(), "idle_s": ticket.idle_s(), "generation": ticket.generation(),
                "persistent": ticket.is_persistent(), "subject": ticket.subject(), "claims": typed_data(ticket.claims()),
                "row_id": ticket.row_id().to_string(),
                "envelope": explain(&envelope, "cookie", &bytes::<32>("root 1"), None, &[name.as_bytes()]),
                "cookie": cookie,
            }));
            if what != "signed-in" {
                continue;
            }
            let now = ticket.created_at();
            let changed = |index: usize, f: fn(u8) -> u8| {
                let mut bytes = envelope.clone();
                bytes[index] = f(bytes[index]);
                URL_SAFE_NO_PAD.encode_to_string(&bytes)
            };
            let early = |seconds| Timestamp::from_unix_seconds(now.unix_seconds() - seconds);
            assert!(keyring.open_ticket(name, cookie.as_bytes(), early(300)).is_ok());
            let cases = [
                (cookie.clone(), name, early(301), "not-yet-valid", "issued over five minutes after now"),
                (overlong(&ticket, name, protection), name, now, "malformed", "an overlong varint"),
                (cookie.clone(), "other", now, "forged", "another cookie name"),
                (cookie.clone(), name, ticket.deadline(), "expired", "the end of its lifetime"),
                (changed(envelope.len() - 1, |b| b ^ 1), name, now, "forged", "one bit of the tag"),
                (
                    changed(if protection == Protection::Sealed { 5 } else { 10 }, |b| b ^ 1),
                    name,
                    now,
                    "forged",
                    "one bit behind the key id",
                ),
                (changed(0, |b| b ^ 3), name, now, "forged", "the other kind"),
                (changed(0, |_| 3), name, now, "malformed", "an unknown kind"),
                (changed(1, |b| b ^ 1), name, now, "unknown-key", "another key id"),
                (format!("{cookie}="), name, now, "malformed", "padding"),
                (cookie[..40].to_owned(), name, now, "malformed", "too short for header and tag"),
                (String::new(), name, now, "malformed", "nothing"),
                ("A".repeat(4097), name, now, "malformed", "over 4096 characters"),
            ];
            for (cookie, name, now, reason, why) in cases {
                for result in
                    [keyring.open_ticket(name, cookie.as_bytes(), now), edge.open_ticket(name, cookie.as_bytes(), now)]
                {
                    let found = match result.unwrap_err() {
                        TicketError::Malformed => "malformed",
                        TicketError::UnknownKey(_) => "unknown-key",
                        TicketError::Forged => "forged",
                        TicketError::Expired => "expired",
                        TicketError::NotYetValid => "not-yet-valid",
                        other => panic!("{other}"),
                    };
                    assert_eq!(found, reason, "{why}");
                }
                refused.push(json!({
                    "cookie": cookie, "cookie_name": name, "now_s": now.unix_seconds(), "reason": reason, "why": why, "root": 0,
                }));
            }
        }
    }
    compare("tickets.json", &json!({ "accepted": accepted, "refused": refused }));
}

#[test]
fn rows() {
    let keyring = Keyring::new([root(1)]).unwrap();
    let mut accepted = Vec::new();
    let mut refused = Vec::new();
    for (index, (what, ticket)) in fixed_tickets().into_iter().filter(|(_, t)| !t.is_stateless()).enumerate() {
        for protection in [Protection::Sealed, Protection::Signed] {
            let generation = ticket.generation();
            let context = ticket.row_context(generation);
            let data = if index == 0 { Data::new() } else { all_kinds() };
            let nonce = Nonce::from_bytes(bytes(&format!("row nonce {index}")));
            let row = keyring.write_row(ticket.secret(), &context, &data, protection, nonce).unwrap();
            assert_eq!(keyring.open_row(&ticket, generation, row.clone()).unwrap(), data);

            let (created, lifetime) = (context.created_at.unix_ms().to_be_bytes(), context.lifetime_s.to_be_bytes());
            let pieces: [&[u8]; 6] = [
                context.row_id.as_bytes(),
                &generation.to_be_bytes(),
                &created,
                &lifetime,
                context.subject.unwrap_or_default().as_bytes(),
                &[u8::from(context.subject.is_some())],
            ];
            let json = |context: &RowContext<'_>, secret: [u8; 32], row: &[u8]| {
                json!({
                    "root": 0, "secret": hex(&secret), "row_id": context.row_id.to_string(), "generation": context.generation,
                    "created_ms": context.created_at.unix_ms(), "lifetime_s": context.lifetime_s, "subject": context.subject,
                    "row": hex(row),
                })
            };
            let mut entry = json(&context, secret_of(what), &row);
            entry["protection"] = json!(protection_name(protection));
            entry["data"] = typed_data(&data);
            entry["envelope"] = explain(&row, "row", &bytes::<32>("root 1"), Some(&secret_of(what)), &pieces);
            accepted.push(entry);
            if what != "signed-in" {
                continue;
            }
            let newer = ticket.clone().at_generation(3);
            let behind = RowError::Behind { row: 2, ticket: 3 };
            assert_eq!(keyring.open_row(&newer, generation, row.clone()).unwrap_err(), behind);
            let mut entry = json(&context, secret_of(what), &row);
            entry["ticket_generation"] = json!(3);
            entry["reason"] = json!("behind");
            entry["why"] = json!("older than its ticket");
            refused.push(entry);

            let other_id = waxseal_core::RowId::derive(&Secret::from_bytes(bytes("other")), context.created_at);
            let mut flipped = row.clone();
            *flipped.last_mut().unwrap() ^= 1;
            let secret = secret_of(what);
            let cases = [
                (RowContext { row_id: other_id, ..context }, secret, &row, "another row id"),
                (RowContext { generation: 3, ..context }, secret, &row, "another generation"),
                (
                    RowContext { created_at: context.created_at.plus_seconds(9), ..context },
                    secret,
                    &row,
                    "another creation time",
                ),
                (RowContext { lifetime_s: 28_801, ..context }, secret, &row, "another lifetime"),
                (RowContext { subject: Some("eve"), ..context }, secret, &row, "another subject"),
                (RowContext { subject: None, ..context }, secret, &row, "no subject"),
                (context, bytes("other"), &row, "another secret"),
                (context, secret, &flipped, "one bit of the tag"),
            ];
            for (context, secret, row, why) in cases {
                let secret_key = Secret::from_bytes(secret);
                let error = keyring.open_row_of_any_generation(&secret_key, &context, row.clone()).unwrap_err();
                assert_eq!(error, RowError::Envelope(OpenError::Forged), "{why}");
                let mut entry = json(&context, secret, row);
                entry["reason"] = json!("forged");
                entry["why"] = json!(why);
                refused.push(entry);
            }
        }
    }
    compare("rows.json", &json!({ "accepted": accepted, "refused": refused }));
}
