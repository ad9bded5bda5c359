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

pub(crate) fn cargo(arguments: &[&str]) -> Result<(), Failed> {
    command("cargo", arguments, &[])
}

pub(crate) fn command(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Result<(), Failed> {
    let line = format!("{program} {}", arguments.join(" "));
    println!("\n> {line}");
    let program =
        if program == "cargo" { env::var("CARGO").unwrap_or_else(|_| program.into()) } else { program.into() };
    let status = Command::new(program).args(arguments).envs(variables.iter().copied()).current_dir(top()).status();
    match status {
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
