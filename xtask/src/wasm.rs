//! The npm package, from a clean checkout with nothing but Rust and npm: the same sources give the same bytes.

use std::{env, fs, io, path::Path, process};

use crate::run::{self, Failed};

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

const PACKAGE: &str = "wasm/npm";

/// The module, in the target folder.
const MODULE: &str = "wasm32-unknown-unknown/wasm/waxseal_wasm.wasm";

/// The module's stack, from address 0 on; `wasm/npm/src/memory.ts` wipes it by this number after each call, so that it costs time. The
/// deepest data that decode need 6 KiB; where it ends, the module stops.
const STACK: usize = 16 * 1024;

pub(crate) fn package() -> Result<(), Failed> {
    run::add_target(TARGET).map_err(Failed)?;
    module(&run::top(), &run::target())?;
    bindgen(&run::target().join(MODULE), Path::new("wasm/npm/build"))?;
    for license in ["LICENSE-MIT", "LICENSE-APACHE"] {
        let copied = fs::copy(run::top().join(license), run::top().join(PACKAGE).join(license));
        copied.map_err(|error| Failed(format!("{license}: {error}")))?;
    }
    run::npm_install(PACKAGE)?;
    run::command("node", &["wasm/npm/build.mjs"], &[])
}

/// Makes JavaScript's side of a module.
pub(crate) fn bindgen(module: &Path, folder: &Path) -> Result<(), Failed> {
    let (module, folder) = (module.to_string_lossy(), folder.to_string_lossy());
    run::cargo(&["run", "-q", "-p", "waxseal-bindgen", "--", &module, &folder])
}

/// Compiles the module once more, from a copy of the sources in another folder: it must come out the same.
pub(crate) fn reproducible() -> Result<(), Failed> {
    let read = |target: &Path| fs::read(target.join(MODULE)).map_err(|error| Failed(format!("{MODULE}: {error}")));
    let copy = env::temp_dir().join(format!("waxseal-{}", process::id()));
    let again = copy_sources(&run::top(), &copy)
        .map_err(|error| Failed(format!("{}: {error}", copy.display())))
        .and_then(|()| module(&copy, &copy.join("target")))
        .and_then(|()| read(&copy.join("target")));
    let removed = fs::remove_dir_all(&copy).map_err(|error| Failed(format!("{}: {error}", copy.display())));
    if again? == read(&run::target())? {
        removed
    } else {
        Err(Failed("the wasm module is not reproducible: another folder gave other bytes".into()))
    }
}

fn copy_sources(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let kind = entry.file_type()?;
        if kind.is_dir() && !["target", "node_modules", ".git"].iter().any(|skipped| name == *skipped) {
            copy_sources(&entry.path(), &to.join(name))?;
        } else if kind.is_file() {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

/// Compiles the module in a copy of the workspace. The prefixes are those of the builder's folders, which panic locations would name.
fn module(top: &Path, target: &Path) -> Result<(), Failed> {
    let cargo_home = env::var("CARGO_HOME").or_else(|_| env::var("HOME").map(|home| format!("{home}/.cargo")));
    let cargo_home = cargo_home.map_err(|_| Failed("neither CARGO_HOME nor HOME is set".into()))?;
    let flags = [
        "-Ctarget-feature=+simd128".to_owned(),
        "--cfg=aes_backend_soft=\"compact\"".to_owned(),
        format!("--remap-path-prefix={cargo_home}=/cargo"),
        format!("--remap-path-prefix={}=/waxseal", top.display()),
        format!("-Clink-arg=-zstack-size={STACK}"),
    ];
    run::command_in(
        top,
        "cargo",
        &["build", "-p", "waxseal-wasm", "--profile", "wasm", "--target", TARGET],
        &[("CARGO_ENCODED_RUSTFLAGS", &flags.join("\x1f")), ("CARGO_TARGET_DIR", &target.to_string_lossy())],
    )
}
