//! The test vectors of FORMAT.md: generated from fixed inputs and compared with `tests/vectors/*.json`.
//!
//! The intermediate values are derived here from FORMAT.md alone, beside the library, and compared with what it made.
//! `tests/vectors/frozen.sha256` keeps them as they are: what version 1 has written must always open.
//! `WAXSEAL_WRITE_VECTORS=1 cargo test -p waxseal-core --test vectors` writes those that are not frozen yet.

#![allow(missing_docs, clippy::unwrap_used)]

mod data;
mod derive;
mod feeds;
mod inputs;
mod keys;
mod rows;
mod tickets;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use waxseal_core::RootKey;

const CREATED_MS: u64 = 1_790_000_000_123;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Fixed bytes that look random: the SHA-256 of a label.
fn bytes<const N: usize>(label: &str) -> [u8; N] {
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
    let frozen = frozen();
    for file in ["data.json", "feeds.json", "keys.json", "rows.json", "tickets.json"] {
        assert!(frozen.iter().any(|(name, _)| name == file), "{file} is not frozen");
    }
    for (file, expected) in frozen {
        let hash = hex(&Sha256::digest(fs::read(folder().join(&file)).unwrap()));
        assert_eq!(hash, expected, "{file} has changed; version 1 of the format is frozen, so a change is a version 2");
    }
}
