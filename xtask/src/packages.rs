//! What is published: each crate and the npm package, packed as for publishing, without uploading.

use std::fs;

use crate::run::{self, Failed};

/// The crates that are published, in an order in which each comes after those that it needs.
const CRATES: [(&str, &str); 9] = [
    ("waxseal-core", "core"),
    ("waxseal-http", "adapters/http"),
    ("waxseal-adopt", "adapters/adopt"),
    ("waxseal-poem", "adapters/poem"),
    ("waxseal-salvo", "adapters/salvo"),
    ("waxseal-sea-orm", "adapters/sea-orm"),
    ("waxseal-tower", "adapters/tower"),
    ("waxseal", "adapters/waxseal"),
    ("waxseal-cli", "adapters/cli"),
];

/// Packs every crate. The sources are not compiled again: the other checks do that, crate by crate.
pub(crate) fn crates() -> Result<(), Failed> {
    for (name, folder) in CRATES {
        for file in ["README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
            let path = run::top().join(folder).join(file);
            fs::metadata(&path).map_err(|error| Failed(format!("{name} has no {file}: {error}")))?;
        }
        let readme = run::top().join(folder).join("README.md");
        let readme = fs::read_to_string(readme).map_err(|error| Failed(error.to_string()))?;
        if readme.contains("](../") {
            return Err(Failed(format!(
                "the README of {name} has a link out of its folder, which leads nowhere on crates.io"
            )));
        }
    }
    let mut arguments = vec!["publish", "--dry-run", "--no-verify", "--allow-dirty", "--quiet"];
    for (name, _) in CRATES {
        arguments.extend(["-p", name]);
    }
    run::cargo(&arguments)
}

/// Packs the npm package, which must have been built.
pub(crate) fn npm() -> Result<(), Failed> {
    run::command_in(&run::top().join("wasm/npm"), "npm", &["publish", "--dry-run", "--loglevel=error"], &[])
}
