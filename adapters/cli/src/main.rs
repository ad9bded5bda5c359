//! `waxseal`: the command for operators.
//!
//! Exit codes: 0 on success, 1 if a command failed or the doctor found a problem, 2 for invalid arguments.

#![forbid(unsafe_code)]

mod arguments;
mod commands;
mod failure;
mod key_file;
mod report;
mod settings;
mod when;

use std::process::ExitCode;

use arguments::Arguments;
use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let json = arguments.settings.json;
    match commands::run(arguments).await {
        Ok(report) => report.print(json),
        Err(failure) => {
            eprintln!("waxseal: {failure}");
            ExitCode::FAILURE
        }
    }
}
