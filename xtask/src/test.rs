//! Everything that this machine can run.

use std::{env, time::Instant};

use crate::{
    fuzz, packages,
    run::{self, Failed},
    wasm,
};

const NO_STD_TARGETS: [&str; 2] = ["thumbv7em-none-eabi", "wasm32-unknown-unknown"];

pub(crate) fn everything() -> Result<(), Failed> {
    let start = Instant::now();
    let mut left_out: Vec<String> = Vec::new();

    run::cargo(&["fmt", "--all", "--check"])?;
    // The benchmark of peers is left out here and below: it has no tests, and many crates of its own.
    let but = ["--workspace", "--all-features", "--exclude", "waxseal-peers"];
    run::cargo(&[&["clippy"], &but[..], &["--all-targets", "--", "-D", "warnings"]].concat())?;
    // Each crate with just the features that it asks for: what another crate switches on must not hide a missing one.
    for package in
        ["waxseal-core", "waxseal-http", "waxseal-poem", "waxseal-salvo", "waxseal-tower", "waxseal-adopt", "waxseal"]
    {
        run::cargo(&["check", "-p", package])?;
    }
    run::cargo(&["check", "-p", "waxseal-sea-orm", "--no-default-features"])?;
    for (package, feature) in [
        ("waxseal", "edge"),
        ("waxseal-sea-orm", "postgres-failover"),
        ("waxseal-sea-orm", "mysql-failover"),
        ("waxseal-poem", "compat"),
        ("waxseal-poem", "storage"),
        ("waxseal-poem", "openapi"),
        ("waxseal-salvo", "compat"),
        ("waxseal-salvo", "saysion"),
        ("waxseal-salvo", "oapi"),
        ("waxseal-adopt", "plug"),
        ("waxseal-adopt", "tower-sessions"),
        ("waxseal-adopt", "poem"),
        ("waxseal-adopt", "salvo"),
        ("waxseal-tower", "axum"),
        ("waxseal-tower", "aide"),
        ("waxseal-tower", "tower-sessions-014"),
        ("waxseal-tower", "tower-sessions-015"),
    ] {
        run::cargo(&["check", "-p", package, "--features", feature])?;
    }
    for target in NO_STD_TARGETS {
        match run::add_target(target) {
            Ok(()) => run::cargo(&["build", "-p", "waxseal-core", "--no-default-features", "--target", target])?,
            Err(why) => left_out.push(format!("the core for {target}: {why}")),
        }
    }
    packages::crates()?;
    run::command("cargo", &[&["doc", "--no-deps"], &but[..]].concat(), &[("RUSTDOCFLAGS", "-D warnings")])?;

    for (name, database) in
        [("WAXSEAL_TEST_POSTGRES_URL", "PostgreSQL"), ("WAXSEAL_TEST_MYSQL_URL", "MySQL or MariaDB")]
    {
        if env::var_os(name).is_none() {
            left_out.push(format!("{database}: {name} is not set; the same suite ran on SQLite"));
        }
    }
    run::cargo(&[&["test"], &but[..]].concat())?;

    run::simulation(&["--seconds", "60"])?;
    run::simulation(&["--fault", "all", "200"])?;

    match run::output("node", &["--version"]) {
        Some(_) => {
            run::command("node", &["tests/vectors/second-implementation.mjs"], &[])?;
            match run::output("npm", &["--version"]) {
                Some(_) => {
                    let browser = browser(&mut left_out)?;
                    edge(&mut left_out, browser)?;
                }
                None => left_out.push("the browser and the edge: there is no `npm`".into()),
            }
        }
        None => {
            left_out
                .push("the second implementation of FORMAT.md, the browser and the edge: there is no `node`".into());
        }
    }
    match run::output("c++", &["--version"]) {
        Some(_) => fuzz::targets(10)?,
        None => left_out.push("the fuzz targets: libFuzzer needs a C++ compiler, and there is no `c++`".into()),
    }

    println!("\nAll passed in {} s.", start.elapsed().as_secs());
    if left_out.is_empty() {
        println!("Nothing was left out.");
    } else {
        println!("Left out on this machine:");
        for line in &left_out {
            println!("  - {line}");
        }
        if env::var_os("CI").is_some() {
            return Err(Failed("in CI nothing may be left out".into()));
        }
    }
    Ok(())
}

/// The example applications in Chromium. Gives whether there is one.
fn browser(left_out: &mut Vec<String>) -> Result<bool, Failed> {
    run::npm_install("tests/browser")?;
    let chromium = env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".into());
    let browser = run::output(&chromium, &["--version"]).is_some();
    if browser {
        node_test("tests/browser/remember-me.test.mjs")?;
    } else {
        left_out.push(format!("everything in a browser: there is no {chromium} (CHROMIUM names another)"));
    }
    Ok(browser)
}

/// The npm package in every runtime, the worker in Rust, and the edge worker's example end to end.
fn edge(left_out: &mut Vec<String>, browser: bool) -> Result<(), Failed> {
    wasm::package()?;
    wasm::reproducible()?;
    packages::npm()?;
    run::cargo(&["build", "-p", "waxseal-example-rust-worker", "--target", wasm::TARGET])?;
    let module = format!("{}/debug/waxseal_example_rust_worker.wasm", wasm::TARGET);
    wasm::bindgen(&run::target().join(module), &run::target().join("rust-worker"))?;
    run::npm_install("tests/edge")?;
    run::npm_install("tests/edge/frameworks")?;
    run::npm_install("examples/edge-worker")?;
    run::command("npm", &["--prefix", "examples/edge-worker", "run", "check"], &[])?;

    for file in ["cookies", "feed", "large-row", "runtimes", "pack", "frameworks", "rust-worker", "d1"] {
        node_test(&format!("tests/edge/{file}.test.mjs"))?;
    }
    match env::var_os("WAXSEAL_TEST_POSTGRES_URL") {
        Some(_) if browser => {
            ["end-to-end", "ended"].iter().try_for_each(|file| node_test(&format!("tests/edge/{file}.test.mjs")))?
        }
        Some(_) => left_out.push("the edge worker end to end: it needs a browser".into()),
        None => left_out.push("the edge worker end to end: WAXSEAL_TEST_POSTGRES_URL is not set".into()),
    }
    Ok(())
}

fn node_test(file: &str) -> Result<(), Failed> {
    run::command("node", &["--test", "--test-force-exit", "--test-timeout=180000", file], &[])
}
