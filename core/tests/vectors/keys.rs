//! The vectors of keys: their subkeys, their text, and lists that are refused.

use serde_json::{Value as Json, json};
use waxseal_core::Keyring;

use crate::{bytes, compare, derive::hkdf, hex, root};

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
