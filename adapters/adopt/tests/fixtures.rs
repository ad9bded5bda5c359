//! Every fixture of plug_crypto opens to its expected value, or is refused for its reason.
//!
//! `WAXSEAL_PLUG_FIXTURES` names another file of the same form, with other keys, salts and terms.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{env, fs, path::PathBuf};

use serde_json::Value as Json;
use waxseal_adopt::plug::{Algorithm, Digest, Opened, PlugKeys, PlugReader, PlugRow, PlugRows, ReadError};
use waxseal_core::{Data, Timestamp, Value};

/// When no fixture says otherwise.
const NOW: u64 = 1_790_000_000;

struct File(Json);

impl File {
    fn load() -> Self {
        let top = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let path = env::var_os("WAXSEAL_PLUG_FIXTURES").unwrap_or_else(|| "tests/fixtures/plug.json".into());
        // A relative path counts from the top of the repository, or from the crate.
        let path = [top.join(&path), path.into()].into_iter().find(|path| path.exists()).expect("a file of fixtures");
        let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self(serde_json::from_slice(&text).unwrap())
    }

    /// An option of the case, or else of the file.
    fn option<'a>(&'a self, case: &'a Json, name: &str) -> Option<&'a Json> {
        case.get(name).or_else(|| self.0.get(name))
    }

    fn text<'a>(&'a self, case: &'a Json, name: &str) -> &'a str {
        self.option(case, name).and_then(Json::as_str).unwrap_or_else(|| panic!("no {name}"))
    }

    fn keys(&self, case: &Json) -> PlugKeys {
        let number = |name, default| match self.option(case, name) {
            Some(number) => number.as_u64().unwrap(),
            None => default,
        };
        let digest = match self.option(case, "digest").map(|digest| digest.as_str().unwrap()) {
            None | Some("sha256") => Digest::Sha256,
            Some("sha384") => Digest::Sha384,
            Some("sha512") => Digest::Sha512,
            Some(other) => panic!("an unknown digest: {other}"),
        };
        PlugKeys::new(self.text(case, "secret_key_base"))
            .iterations(number("iterations", 1000).try_into().unwrap())
            .length(number("length", 32).try_into().unwrap())
            .digest(digest)
    }

    /// The reader that the kind of the case asks for.
    fn reader(&self, case: &Json) -> PlugReader {
        let keys = self.keys(case);
        let kind = case["kind"].as_str().unwrap();
        let (what, how) = kind.rsplit_once(", ").unwrap_or_else(|| panic!("an unknown kind: {kind}"));
        let reader = match (what, how) {
            (what, "signed") if is_row(what) || what == "session cookie" => {
                PlugReader::signed_session(&keys, self.text(case, "signing_salt"))
            }
            (what, "encrypted") if is_row(what) || what == "session cookie" => PlugReader::encrypted_session(
                &keys,
                self.text(case, "encryption_salt"),
                self.text(case, "signing_salt"),
            ),
            ("Phoenix.Token" | "Plug.Crypto", "signed") => PlugReader::signed_token(&keys, self.salt(case)),
            ("Phoenix.Token" | "Plug.Crypto", "encrypted") => PlugReader::encrypted_token(&keys, self.salt(case)),
            _ => match (what.strip_prefix("cookie "), how) {
                (Some(name), "signed") => PlugReader::signed_cookie(&keys, name),
                (Some(name), "encrypted") => PlugReader::encrypted_cookie(&keys, name),
                _ => panic!("an unknown kind: {kind}"),
            },
        };
        let reader = reader.unwrap();
        match self.option(case, "algorithm").map(|algorithm| algorithm.as_str().unwrap()) {
            None | Some("sha256" | "HS256") => reader,
            Some("sha384" | "HS384") => reader.algorithm(Algorithm::Hs384),
            Some("sha512" | "HS512") => reader.algorithm(Algorithm::Hs512),
            Some(other) => panic!("an unknown algorithm: {other}"),
        }
    }

    /// The salt of a token: a field, or in quotes in its name.
    fn salt<'a>(&'a self, case: &'a Json) -> &'a str {
        case.get("salt").and_then(Json::as_str).unwrap_or_else(|| {
            let name = case["name"].as_str().unwrap();
            name.split_once("salt \"").and_then(|(_, rest)| rest.split_once('"')).expect("a salt in the name").0
        })
    }

    fn read(&self, case: &Json, now: Timestamp) -> Result<Value, ReadError> {
        let text = case["value"].as_str().unwrap().as_bytes();
        let what = case["kind"].as_str().unwrap();
        if !is_row(what) {
            let opened = self.reader(case).read(text, now)?;
            check_times(case, &opened);
            return Ok(opened.value);
        }
        let rows = if what.ends_with(", plain") { PlugRows::plain() } else { PlugRows::new(self.reader(case)) };
        let valid_to = case.get("valid_to").map_or(NOW + 3600, |time| time.as_u64().unwrap());
        let valid_to = Timestamp::from_unix_seconds(valid_to);
        let id = "A".repeat(128);
        let adopted = rows.read(PlugRow { id: &id, data: text, valid_from: None, valid_to }, now)?;
        Ok(Value::Map(adopted.data))
    }
}

/// Whether a kind is a row of a database store, such as `database row, signed`.
fn is_row(kind: &str) -> bool {
    let what = kind.split(',').next().unwrap_or(kind);
    what.split(' ').any(|word| word == "row") && !what.starts_with("cookie ")
}

fn check_times(case: &Json, opened: &Opened) {
    if let Some(signed_at) = case.get("signed_at").and_then(Json::as_u64) {
        assert_eq!(opened.signed_at, Some(Timestamp::from_unix_seconds(signed_at)), "{case}");
        if let Some(max_age) = case.get("max_age").and_then(Json::as_u64) {
            assert_eq!(opened.expires_at, Some(Timestamp::from_unix_seconds(signed_at + max_age)), "{case}");
        }
    }
}

/// Whether the value is the expected one. Bytes are written as `{"$bytes": base64}`.
fn same(value: &Value, expected: &Json) -> bool {
    match (value, expected) {
        (Value::Null, Json::Null) => true,
        (Value::Bool(a), Json::Bool(b)) => a == b,
        (Value::I64(a), Json::Number(b)) => b.as_i64() == Some(*a),
        (Value::U64(a), Json::Number(b)) => b.as_u64() == Some(*a),
        (Value::F64(a), Json::Number(b)) => b.is_f64() && b.as_f64() == Some(*a),
        (Value::Str(a), Json::String(b)) => a == b,
        (Value::Seq(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Bytes(a), Json::Object(b)) => {
            b.len() == 1 && b.get("$bytes").and_then(Json::as_str) == Some(&base64_simd::STANDARD.encode_to_string(a))
        }
        (Value::Map(a), Json::Object(b)) => same_map(a, b),
        _ => false,
    }
}

fn same_map(data: &Data, expected: &serde_json::Map<String, Json>) -> bool {
    data.len() == expected.len() && data.iter().all(|(key, value)| expected.get(key).is_some_and(|b| same(value, b)))
}

#[test]
fn fixtures() {
    let file = File::load();
    let cases = file.0["cases"].as_array().unwrap();
    assert!(!cases.is_empty(), "there are no fixtures");
    for case in cases {
        // The last moment at which a token is valid.
        let time = |name: &str| case.get(name).and_then(Json::as_u64);
        let end = time("signed_at").zip(time("max_age")).map(|(signed_at, max_age)| signed_at + max_age);
        let now = time("now").or(end).unwrap_or(NOW);
        let read = file.read(case, Timestamp::from_unix_seconds(now));
        match (case.get("expected"), case.get("refused").map(|reason| reason.as_str().unwrap())) {
            (Some(expected), None) => {
                let value = read.unwrap_or_else(|error| panic!("{error}: {case}"));
                assert!(same(&value, expected), "opened to {}: {case}", serde_json::to_string(&value).unwrap());
            }
            (None, Some("the term")) => {
                assert!(matches!(read, Err(ReadError::Term(_) | ReadError::Form)), "{read:?}: {case}");
            }
            (None, Some("not authentic")) => assert_eq!(read.err(), Some(ReadError::NotAuthentic), "{case}"),
            (None, Some("expired" | "too old")) => assert_eq!(read.err(), Some(ReadError::Expired), "{case}"),
            _ => panic!("a fixture that says neither what it opens to nor why it is refused: {case}"),
        }
        if let (Some(_), Some(end)) = (case.get("expected"), end) {
            let late = file.read(case, Timestamp::from_unix_seconds(end + 1));
            assert_eq!(late.err(), Some(ReadError::Expired), "a second later: {case}");
        }
    }
}
