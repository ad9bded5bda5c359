//! The npm package, from a clean checkout with nothing but Rust and npm: the same sources give the same bytes.

use std::{env, fs};

use crate::run::{self, Failed};

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

const PACKAGE: &str = "wasm/npm";

/// The module's stack, from address 0 on; `wasm/npm/src/memory.ts` wipes it by this number. Of its bytes the deepest data that
/// decode need a third.
const STACK: usize = 32 * 1024;

pub(crate) fn package() -> Result<(), Failed> {
    run::add_target(TARGET).map_err(Failed)?;
    module()?;
    let module = format!("target/{TARGET}/wasm/waxseal_wasm.wasm");
    run::cargo(&["run", "-q", "-p", "waxseal-bindgen", "--", &module, "wasm/npm/build"])?;
    for license in ["LICENSE-MIT", "LICENSE-APACHE"] {
        let copied = fs::copy(run::top().join(license), run::top().join(PACKAGE).join(license));
        copied.map_err(|error| Failed(format!("{license}: {error}")))?;
    }
    run::npm_install(PACKAGE)?;
    run::command("node", &["wasm/npm/build.mjs"], &[])
}

/// Compiles the module. The prefixes are those of the builder's folders, which panic locations would name.
fn module() -> Result<(), Failed> {
    let cargo_home = env::var("CARGO_HOME").or_else(|_| env::var("HOME").map(|home| format!("{home}/.cargo")));
    let cargo_home = cargo_home.map_err(|_| Failed("neither CARGO_HOME nor HOME is set".into()))?;
    let flags = [
        "-Ctarget-feature=+simd128".to_owned(),
        "--cfg=aes_backend_soft=\"compact\"".to_owned(),
        format!("--remap-path-prefix={cargo_home}=/cargo"),
        format!("--remap-path-prefix={}=/waxseal", run::top().display()),
        format!("-Clink-arg=-zstack-size={STACK}"),
    ];
    run::command(
        "cargo",
        &["build", "-p", "waxseal-wasm", "--profile", "wasm", "--target", TARGET],
        &[("CARGO_ENCODED_RUSTFLAGS", &flags.join("\x1f"))],
    )
}
