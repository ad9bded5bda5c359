//! What the edge's benchmark and people need of the core: cookies to open, and edge keys.

use std::{
    env,
    fs::OpenOptions,
    io::{self, Write},
    ops::Deref,
    process::Command,
    time::Duration,
};

use waxseal_core::{Data, Keyring, Nonce, Protection, RootKey, Secret, Ticket, Timeouts, Timestamp};

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
    let ticket = Ticket::issue(Secret::random()?, now, timeouts.terms(), Some("ada@example.com"), claims.clone())?
        .at_generation(1);
    let name = "__Host-session";
    let cookie = |protection| {
        let value = keyring.write_ticket(&ticket, name, protection, Nonce::random()?)?;
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

/// The edge keys of these keys, for cookies and rows.
fn exported(keys: &str) -> Result<impl Deref<Target = String> + use<>, Failed> {
    let keyring = Keyring::from_text(keys).map_err(|error| Failed(error.to_string()))?;
    Ok(keyring.export_edge_keys(true))
}

const WORKER: &str = "examples/edge-worker";

/// The edge worker's example, as its README says: the package, the Poem application on PostgreSQL, and wrangler before it.
pub(crate) fn worker() -> Result<(), Failed> {
    wasm::package()?;
    run::npm_install(WORKER)?;
    run::cargo(&["build", "-p", "waxseal-example-poem"])?;
    // Hyperdrive insists on a password; a server that trusts local connections ignores it.
    let database =
        env::var("DATABASE_URL").unwrap_or_else(|_| "postgres://postgres:postgres@127.0.0.1:5432/test".into());
    let keys = match env::var("WAXSEAL_KEYS") {
        Ok(keys) => keys,
        Err(_) => {
            let key = RootKey::generate().map_err(|error| Failed(error.to_string()))?;
            println!("\nWAXSEAL_KEYS is not set: a key for this run alone");
            key.to_text().to_string()
        }
    };
    secret(&exported(&keys)?.replace('\n', ",")).map_err(|error| Failed(format!(".dev.vars: {error}")))?;

    let application = run::target().join("debug/waxseal-example-poem");
    let mut application = Command::new(application)
        .env("DATABASE_URL", &database)
        .env("WAXSEAL_KEYS", &keys)
        .spawn()
        .map_err(|error| Failed(format!("the application: {error}")))?;
    println!(
        "\nThe application is on http://127.0.0.1:3000, the worker before it on http://127.0.0.1:8787; Ctrl-C ends both."
    );
    let variables = [("CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_HYPERDRIVE", database.as_str())];
    let ended = run::command("npm", &["--prefix", WORKER, "start"], &variables);
    // A Ctrl-C has ended it too; else the worker stopped first.
    let _ = application.kill();
    let _ = application.wait();
    ended
}

/// The worker's secret, where wrangler looks for it in development; for nobody else's eyes.
fn secret(edge_keys: &str) -> io::Result<()> {
    let path = run::top().join(WORKER).join(".dev.vars");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    writeln!(options.open(path)?, "WAXSEAL_EDGE_KEYS={edge_keys}")
}
