//! The commands, one file for each group.

mod by_key;
mod database;
mod doctor;
mod inspect;
mod keys;
mod sessions;
mod stats;

use clap::CommandFactory;
use serde_json::json;

use crate::{
    arguments::{Arguments, Command},
    failure::Failure,
    report::Report,
};

pub(crate) async fn run(arguments: Arguments) -> Result<Report, Failure> {
    let Arguments { settings, command } = arguments;
    match command {
        Command::Keygen => keys::generate(),
        Command::Keys(command) => keys::manage(&settings, command),
        Command::EdgeKeys { scope } => keys::for_an_edge(&settings, scope),
        Command::Migrate { notices } => database::migrate(&settings, notices).await,
        Command::Sweep { batch, pause_ms } => database::sweep(&settings, batch, pause_ms).await,
        Command::List { subject } => sessions::list(&settings, &subject).await,
        Command::End { whose: Some(whose), .. } => sessions::end(&settings, &whose).await,
        Command::End { whose: None, .. } => sessions::end_all(&settings).await,
        Command::Stats => stats::count(&settings).await,
        Command::Inspect { show_values } => inspect::cookie(&settings, show_values).await,
        Command::Doctor { url, idle_timeout_s } => doctor::examine(&settings, url.as_deref(), idle_timeout_s).await,
        Command::Completions { shell } => Ok(completions(shell)),
        Command::Man => man(),
    }
}

fn completions(shell: clap_complete::Shell) -> Report {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "waxseal", &mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    Report::new(text.clone(), json!({ "completions": text }))
}

fn man() -> Result<Report, Failure> {
    let mut text = Vec::new();
    let rendered = clap_mangen::Man::new(Arguments::command()).render(&mut text);
    rendered.map_err(|error| Failure::Other(error.to_string()))?;
    let text = String::from_utf8_lossy(&text).into_owned();
    Ok(Report::new(text.clone(), json!({ "man": text })))
}
