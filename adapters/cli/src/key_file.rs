//! A file of keys, and the three steps of a rotation. Comments in the file record the progress.
//!
//! 1. A new key is added behind the others: every node can then decrypt with it.
//! 2. It becomes the primary: new data are encrypted with it.
//! 3. The others are dropped, once no session can need them any more.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
};

use waxseal_core::{Keyring, RootKey, Timestamp};
use zeroize::Zeroizing;

use crate::{failure::Failure, when};

/// Precedes the key that will become the primary.
const NEXT: &str = "# waxseal: the next primary; every node must have this file before it becomes one";

/// Begins the line before the primary, followed by the time of the second step.
const SINCE: &str = "# waxseal: primary since ";

/// What a step did, and what comes next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Added,
    Promoted,
    Dropped { count: usize },
}

impl Step {
    /// What the operator must do now.
    pub(crate) fn next(&self) -> &'static str {
        match self {
            Self::Added => "step 1 of 3: a key was added. Give the file to every node, then run this again",
            Self::Promoted => {
                "step 2 of 3: the new key is the primary. Give the file to every node, and run this again when the longest lifetime has passed"
            }
            Self::Dropped { .. } => {
                "step 3 of 3: the old keys were dropped. Give the file to every node: the rotation is complete"
            }
        }
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Promoted => "promoted",
            Self::Dropped { .. } => "dropped",
        }
    }
}

/// The file's text after the next step.
pub(crate) fn step(
    text: &str,
    new: &RootKey,
    now: Timestamp,
    lifetime_s: u64,
    force: bool,
) -> Result<(Zeroizing<String>, Step), String> {
    Keyring::from_text(text).map_err(|error| error.to_string())?;
    let lines: Vec<&str> = text.lines().collect();
    let is_key = |line: &&&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let keys: Vec<&str> = lines.iter().filter(is_key).copied().collect();
    if keys.iter().any(|line| line.contains(',')) {
        return Err("keys are separated by commas here; write one a line, the primary first".into());
    }
    if let Some(next) = lines.iter().position(|line| *line == NEXT) {
        let key = lines
            .get(next + 1)
            .filter(|line| is_key(line))
            .ok_or("no key stands behind the line of the next primary")?;
        let others = lines.iter().filter(|line| *line != key && **line != NEXT && !line.starts_with(SINCE));
        let first = [format!("{SINCE}{}", when::at(now)), (*key).to_owned()];
        return Ok((joined(first.into_iter().chain(others.map(|line| (*line).to_owned()))), Step::Promoted));
    }
    if keys.len() > 1 {
        let since = lines.iter().find_map(|line| line.strip_prefix(SINCE)).and_then(when::parse);
        let due = since.map(|since| since.plus_seconds(lifetime_s));
        match due {
            _ if force => {}
            Some(due) if now.has_reached(due) => {}
            Some(due) => {
                return Err(format!(
                    "sessions may need the old keys until {}; then run this again, or use --now and sign their users out",
                    when::at(due)
                ));
            }
            None => {
                return Err(
                    "the file has several keys and does not record when the first became the primary; use --now to drop all but the first"
                        .into(),
                );
            }
        }
        let primary = keys.first().copied().unwrap_or_default();
        let kept = lines.iter().filter(|line| **line == primary || !is_key(line));
        let kept = kept.filter(|line| !line.starts_with(SINCE)).map(|line| (*line).to_owned());
        return Ok((joined(kept), Step::Dropped { count: keys.len() - 1 }));
    }
    let added = [NEXT.to_owned(), new.to_text().to_string()];
    Ok((joined(lines.iter().map(|line| (*line).to_owned()).chain(added)), Step::Added))
}

fn joined(lines: impl Iterator<Item = String>) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    for line in lines {
        text.push_str(&Zeroizing::new(line));
        text.push('\n');
    }
    text
}

/// Replaces a file in one step: a reader sees the old text or the new one. Only its owner may read it.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let failure = |error| Failure::File { path: path.into(), error };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || {
        let mut file = options.open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().map_err(failure).inspect_err(|_| drop(fs::remove_file(&new)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3600;

    fn at(day: u64) -> Timestamp {
        Timestamp::from_unix_seconds(1_790_000_000 + day * DAY)
    }

    #[test]
    fn a_rotation_has_three_steps() {
        let (old, new) = (RootKey::generate().unwrap(), RootKey::generate().unwrap());
        let start = format!("# ours\n2026-05:{}\n", *old.to_text());
        let ids = |text: &str| Keyring::from_text(text).unwrap().key_ids().collect::<Vec<_>>();
        let (added, done) = step(&start, &new, at(0), 30 * DAY, false).unwrap();
        assert_eq!((done, ids(&added)), (Step::Added, vec![old.id(), new.id()]));
        let (promoted, done) = step(&added, &new, at(1), 30 * DAY, false).unwrap();
        assert_eq!((done, ids(&promoted)), (Step::Promoted, vec![new.id(), old.id()]));
        assert!(step(&promoted, &new, at(30), 30 * DAY, false).unwrap_err().contains("2026-10-22"));
        let (dropped, done) = step(&promoted, &new, at(31), 30 * DAY, false).unwrap();
        assert_eq!((done, ids(&dropped)), (Step::Dropped { count: 1 }, vec![new.id()]));
        assert!(dropped.contains("# ours"), "comments stay");
        assert_eq!(step(&promoted, &new, at(2), 30 * DAY, true).unwrap().1, Step::Dropped { count: 1 });
        let (again, done) = step(&dropped, &old, at(40), 30 * DAY, false).unwrap();
        assert_eq!((done, ids(&again)), (Step::Added, vec![new.id(), old.id()]));
    }

    #[test]
    fn what_it_does_not_understand_it_leaves() {
        let (one, two) = (RootKey::generate().unwrap(), RootKey::generate().unwrap());
        let both = format!("{}\n{}\n", *one.to_text(), *two.to_text());
        assert!(step(&both, &one, at(0), DAY, false).unwrap_err().contains("does not record when the first"));
        let line = format!("{},{}", *one.to_text(), *two.to_text());
        assert!(step(&line, &one, at(0), DAY, true).unwrap_err().contains("one a line"));
        assert!(step("hunter2", &one, at(0), DAY, true).is_err());
    }
}
