//! Runs commands at the top of the workspace.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Why a task failed.
pub(crate) struct Failed(pub(crate) String);

/// The top of the workspace.
pub(crate) fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// Cargo's target folder: `CARGO_TARGET_DIR`, or `target` at the top.
pub(crate) fn target() -> PathBuf {
    top().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

pub(crate) fn cargo(arguments: &[&str]) -> Result<(), Failed> {
    command("cargo", arguments, &[])
}

/// Runs the simulation, in release: a million steps take seconds there.
pub(crate) fn simulation(arguments: &[&str]) -> Result<(), Failed> {
    let run = ["run", "--quiet", "--release", "-p", "waxseal-simulation", "--"];
    cargo(&[&run, arguments].concat())
}

pub(crate) fn command(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Result<(), Failed> {
    command_in(&top(), program, arguments, variables)
}

/// Runs a command in another folder.
pub(crate) fn command_in(
    folder: &Path,
    program: &str,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Result<(), Failed> {
    let line = format!("{program} {}", arguments.join(" "));
    println!("\n> {line}");
    let program =
        if program == "cargo" { env::var("CARGO").unwrap_or_else(|_| program.into()) } else { program.into() };
    let status = Command::new(program).args(arguments).envs(variables.iter().copied()).current_dir(folder).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failed(format!("`{line}`: {status}"))),
        Err(error) => Err(Failed(format!("`{line}`: {error}"))),
    }
}

/// Runs a command with text as its standard input.
pub(crate) fn with_input(program: &str, arguments: &[&str], input: &str) -> Result<(), Failed> {
    use std::io::Write;

    let line = format!("{program} {}", arguments.join(" "));
    println!("\n> {line}");
    let run = || {
        let mut child = Command::new(program).args(arguments).current_dir(top()).stdin(Stdio::piped()).spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes())?;
        }
        child.wait()
    };
    match run() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failed(format!("`{line}`: {status}"))),
        Err(error) => Err(Failed(format!("`{line}`: {error}"))),
    }
}

/// What a command prints, where it is there and succeeds.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).current_dir(top()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Makes sure that a target of Rust is installed.
pub(crate) fn add_target(target: &str) -> Result<(), String> {
    let installed = output("rustup", &["target", "list", "--installed"]).ok_or("there is no `rustup`")?;
    if installed.lines().any(|line| line == target) {
        return Ok(());
    }
    output("rustup", &["target", "add", target]).map(drop).ok_or(format!("`rustup target add {target}` failed"))
}

/// Installs a folder's npm packages as they are locked, where that was not done for this lock yet. Not by `npm ci`: it refuses a
/// lock without the packages of other platforms, and a registry's mirror may not have those.
pub(crate) fn npm_install(folder: &str) -> Result<(), Failed> {
    let folder = top().join(folder);
    let lock = std::fs::read(folder.join("package-lock.json")).map_err(|error| Failed(error.to_string()))?;
    let stamp = folder.join("node_modules/.waxseal-lock");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    println!("\n> npm install ({})", folder.display());
    let status = Command::new("npm")
        .args(["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(&folder)
        .status();
    if !status.is_ok_and(|status| status.success()) {
        return Err(Failed(format!("`npm install` in {} failed", folder.display())));
    }
    std::fs::write(stamp, lock).map_err(|error| Failed(error.to_string()))
}
