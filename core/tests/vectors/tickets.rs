//! The vectors of tickets: cookies that open, and cookies that are refused.

use base64_simd::URL_SAFE_NO_PAD;
use serde_json::json;
use waxseal_core::{EdgeKeys, Keyring, Nonce, Protection, Ticket, TicketError, Timestamp};

use crate::{
    CREATED_MS, bytes, compare,
    derive::{explain, hkdf, pae, signed},
    hex,
    inputs::{decode_base64, fixed_tickets, protection_name, secret_of, typed_data},
    root,
};

/// The signed-in ticket, authentic, with `idle_s` written in one byte more than it needs.
fn overlong(ticket: &Ticket, name: &str, protection: Protection) -> String {
    let keyring = Keyring::new([root(1)]).unwrap();
    let plain = decode_base64(
        &keyring.write_ticket(ticket, name, Protection::Signed, Nonce::from_bytes(bytes("unused"))).unwrap(),
    );
    let mut contents = plain[5..plain.len() - 32].to_vec();
    // 1800 as a varint is 88 0e; the overlong 88 8e 00 says the same.
    let at = contents[32..].windows(5).position(|w| w == [0x88, 0x0e, 2, 1, 1]).unwrap() + 32;
    contents.splice(at..at + 2, [0x88, 0x8e, 0x00]);
    let envelope = match protection {
        Protection::Signed => signed(&bytes::<32>("root 1"), "cookie", &[name.as_bytes()], &contents),
        Protection::Sealed => {
            use xaes_256_gcm::{
                Xaes256Gcm,
                aead::{Aead, KeyInit, Payload},
            };
            let nonce: [u8; 24] = bytes("overlong nonce");
            let id = hkdf(&bytes::<32>("root 1"), "key-id", 4);
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
