//! Keys: making one, rotating a file, listing ids, and exporting edge keys.

use serde_json::json;
use waxseal_core::RootKey;
use waxseal_http::{Clock, SystemClock};

use crate::{
    arguments::{Keys, Scope, Settings},
    failure::Failure,
    key_file,
    report::Report,
    settings::read,
};

pub(super) fn generate() -> Result<Report, Failure> {
    let key = RootKey::generate()?;
    let text = key.to_text();
    Ok(Report::new(text.as_str(), json!({ "key": *text, "id": key.id().to_string() })))
}

pub(super) fn manage(settings: &Settings, command: Keys) -> Result<Report, Failure> {
    match command {
        Keys::Rotate { file, now: force, lifetime_s } => {
            let text = read(&file)?;
            let stepped = key_file::step(&text, &RootKey::generate()?, SystemClock.now(), lifetime_s, force);
            let (text, step) = stepped.map_err(|reason| Failure::KeyFile { path: file.clone(), reason })?;
            key_file::replace(&file, &text)?;
            Ok(Report::new(step.next(), json!({ "step": step.name(), "next": step.next() })))
        }
        Keys::List => {
            let ids: Vec<String> = settings.keyring()?.key_ids().map(|id| id.to_string()).collect();
            let lines = ids.iter().enumerate().map(|(index, id)| match index {
                0 => format!("{id}  primary: encrypts new data\n"),
                _ => format!("{id}  accepted: decrypts only\n"),
            });
            Ok(Report::new(lines.collect::<String>(), json!({ "primary": ids.first(), "ids": ids })))
        }
    }
}

pub(super) fn for_an_edge(settings: &Settings, scope: Scope) -> Result<Report, Failure> {
    let text = settings.keyring()?.export_edge_keys(scope == Scope::Rows);
    Ok(Report::new(text.as_str(), json!({ "edge_keys": *text })))
}
