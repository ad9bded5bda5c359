//! Everything that this machine can run.

use std::{env, time::Instant};

use crate::{
    fuzz,
    run::{self, Failed},
};

const NO_STD_TARGETS: [&str; 2] = ["thumbv7em-none-eabi", "wasm32-unknown-unknown"];

pub(crate) fn everything() -> Result<(), Failed> {
    let start = Instant::now();
    let mut left_out: Vec<String> = Vec::new();

    run::cargo(&["fmt", "--all", "--check"])?;
    run::cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])?;
    // Each crate with just the features that it asks for: what another crate switches on must not hide a missing one.
    for package in ["waxseal-core", "waxseal-http", "waxseal-poem"] {
        run::command("cargo", &["check", "-p", package], &[])?;
    }
    run::cargo(&["check", "-p", "waxseal-sea-orm", "--no-default-features"])?;
    for target in NO_STD_TARGETS {
        match run::add_target(target) {
            Ok(()) => run::cargo(&["build", "-p", "waxseal-core", "--no-default-features", "--target", target])?,
            Err(why) => left_out.push(format!("the core for {target}: {why}")),
        }
    }
    run::command("cargo", &["doc", "--workspace", "--no-deps", "--all-features"], &[("RUSTDOCFLAGS", "-D warnings")])?;

    for (name, database) in
        [("WAXSEAL_TEST_POSTGRES_URL", "PostgreSQL"), ("WAXSEAL_TEST_MYSQL_URL", "MySQL or MariaDB")]
    {
        if env::var_os(name).is_none() {
            left_out.push(format!("{database}: {name} is not set; the same suite ran on SQLite"));
        }
    }
    run::cargo(&["test", "--workspace", "--all-features"])?;

    match run::output("node", &["--version"]) {
        Some(_) => run::command("node", &["tests/vectors/second-implementation.mjs"], &[])?,
        None => left_out.push("the second implementation of FORMAT.md on the vectors: there is no `node`".into()),
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
