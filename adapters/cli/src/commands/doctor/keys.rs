//! The keys: whether they are valid, and who can read them.

use super::{Finding, broken, ok, warning};
use crate::arguments::Settings;

pub(super) fn examine(settings: &Settings) -> Vec<Finding> {
    let text = match settings.keys_text() {
        Err(error) => return vec![broken("keys", error.to_string())],
        Ok(None) => {
            return vec![broken("keys", "there are none: set WAXSEAL_KEYS or --keys-file; `waxseal keygen` makes one")];
        }
        Ok(Some(text)) => text,
    };
    let mut findings = Vec::new();
    match waxseal_core::Keyring::from_text(&text) {
        Err(error) => findings.push(broken("keys", error.to_string())),
        Ok(keyring) => {
            let ids: Vec<String> = keyring.key_ids().map(|id| id.to_string()).collect();
            let text = format!("{} keys, the primary is {}", ids.len(), keyring.primary_id());
            findings.push(if ids.len() > 3 {
                warning("keys", format!("{text}; drop those that no session needs (`waxseal stats` counts them)"))
            } else {
                ok("keys", text)
            });
        }
    }
    #[cfg(unix)]
    if let Some(path) = &settings.keys_file {
        use std::os::unix::fs::PermissionsExt;
        if let Ok(metadata) = std::fs::metadata(path) {
            let mode = metadata.permissions().mode() & 0o777;
            findings.push(if mode & 0o077 == 0 {
                ok("key-file", "only its owner may read it")
            } else {
                broken("key-file", format!("others may read it (mode {mode:o}): chmod 600 {}", path.display()))
            });
        }
    }
    findings
}
