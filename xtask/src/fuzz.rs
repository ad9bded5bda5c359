//! Builds and runs the fuzz targets on the stable toolchain, with libFuzzer's coverage but without a sanitizer.

use std::fs;

use crate::run::{self, Failed};

const TARGETS: [&str; 7] = ["cookie", "row", "data", "feed", "plug_term", "plug_token", "adopted"];

/// What `cargo fuzz` passes to the compiler, without the sanitizers that need nightly.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1 -Cdebug-assertions";

pub(crate) fn targets(seconds: u32) -> Result<(), Failed> {
    let host = run::output("rustc", &["-vV"])
        .and_then(|text| text.lines().find_map(|line| line.strip_prefix("host: ").map(str::to_owned)))
        .ok_or_else(|| Failed("rustc does not say its host".into()))?;
    let folder = run::target().join("fuzz");
    let build = [
        "build",
        "--release",
        "--manifest-path",
        "tests/fuzz/Cargo.toml",
        "--target-dir",
        &folder.to_string_lossy(),
        "--target",
        &host,
    ];
    run::command("cargo", &build, &[("RUSTFLAGS", COVERAGE)])?;
    for target in TARGETS {
        let binary = folder.join(format!("{host}/release/{target}"));
        let corpus = folder.join(format!("corpus/{target}"));
        fs::create_dir_all(&corpus).map_err(|error| Failed(format!("{}: {error}", corpus.display())))?;
        let artifacts = format!("-artifact_prefix={}/", corpus.parent().unwrap_or(&corpus).display());
        let time = format!("-max_total_time={seconds}");
        let arguments = [
            corpus.to_str().unwrap_or_default(),
            &time,
            "-max_len=2048",
            "-print_final_stats=0",
            "-verbosity=0",
            &artifacts,
        ];
        run::command(&binary.to_string_lossy(), &arguments, &[])?;
    }
    Ok(())
}
