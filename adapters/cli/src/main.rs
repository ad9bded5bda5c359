//! `waxseal`: the command for people who operate it.
//!
//! Exit codes: 0 where all is well, 1 where a command failed or the doctor found something broken, 2 for arguments that it does not
//! understand.

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
