//! What the edge's benchmark and people need of the core: cookies to open, and edge keys.

use std::{env, fs, time::Duration};

use waxseal_core::{Data, Keyring, Protection, RootKey, Salt, Secret, Ticket, Timeouts, Timestamp};

use crate::{
    run::{self, Failed},
    wasm,
};

/// waxseal beside its peers, in Node and in workerd.
pub(crate) fn bench() -> Result<(), Failed> {
    wasm::package()?;
    run::npm_install("tests/edge")?;
    let cookies = cookies().map_err(|error| Failed(error.to_string()))?;
    run::with_input("node", &["tests/edge/bench/run.mjs"], &cookies)
}

/// About 100 bytes of claims in a sealed and in a signed cookie, as JSON.
fn cookies() -> Result<String, Box<dyn std::error::Error>> {
    let keyring = Keyring::new([RootKey::generate()?])?;
    let hour = Duration::from_secs(3600);
    let timeouts = Timeouts::new(hour, 8 * hour, hour / 60)?;
    let mut claims = Data::new();
    claims.insert("organisation", "Analytical Engines")?;
    claims.insert("plan", &3)?;
    claims.insert("role", "admin")?;
    claims.insert("scopes", &["read", "write", "billing"])?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let now = Timestamp::from_unix_seconds(now.as_secs());
    let ticket = Ticket::issue(Secret::random()?, now, &timeouts, Some("ada@example.com"), claims.clone())?;
    let name = "__Host-session";
    let cookie = |protection| {
        let value = keyring.write_ticket(&ticket, name, protection, Salt::random()?)?;
        Ok::<_, Box<dyn std::error::Error>>(format!("theme=dark; {name}={value}"))
    };
    let fixture = serde_json::json!({
        "claims": claims,
        "edgeKeys": *keyring.export_edge_keys(false),
        "sealed": cookie(Protection::Sealed)?,
        "signed": cookie(Protection::Signed)?,
    });
    Ok(fixture.to_string())
}

/// Prints the edge keys of a keyring: of `WAXSEAL_KEYS`, or of a file.
pub(crate) fn keys(rows: bool, file: Option<&str>) -> Result<(), Failed> {
    let text = match (file, env::var("WAXSEAL_KEYS")) {
        (Some(file), _) => fs::read_to_string(file).map_err(|error| Failed(format!("{file}: {error}")))?,
        (None, Ok(keys)) => keys,
        (None, Err(_)) => return Err(Failed("set WAXSEAL_KEYS, or name the file that has the keys".into())),
    };
    let keyring = Keyring::from_text(&text).map_err(|error| Failed(error.to_string()))?;
    println!("{}", *keyring.export_edge_keys(rows));
    Ok(())
}
