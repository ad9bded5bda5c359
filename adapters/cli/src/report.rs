//! What a command prints: text for people, JSON for programs.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use serde_json::Value;

/// The result of a command.
#[derive(Debug)]
pub(crate) struct Report {
    text: String,
    json: Value,
    failed: bool,
}

impl Report {
    pub(crate) fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json, failed: false }
    }

    /// The same for a command that found something broken.
    pub(crate) fn failed_if(self, failed: bool) -> Self {
        Self { failed, ..self }
    }

    pub(crate) fn print(&self, json: bool) -> ExitCode {
        let text = if json { self.json.to_string() } else { self.text.trim_end().to_owned() };
        // A closed pipe is not an error of ours.
        let _ = writeln!(io::stdout(), "{text}");
        if self.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

/// Columns with headings.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = headings
        .iter()
        .enumerate()
        .map(|(column, heading)| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain([heading.chars().count()]).max().unwrap_or_default()
        })
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(&mut headings.iter().copied());
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}
