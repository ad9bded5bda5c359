//! `docs/operating.md` and the dashboard name the metrics and events that there are, and all of them.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const PAGE: &str = include_str!("../../../docs/operating.md");
const DASHBOARD: &str = include_str!("../../../docs/grafana.json");

/// The names of metrics in a text, without the suffixes that Prometheus adds to a histogram's.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_lowercase() && c != '_').filter(|word| word.starts_with("waxseal_"));
    let names = words.map(|word| {
        let histogram = ["_bucket", "_count"].iter().find_map(|suffix| word.strip_suffix(suffix));
        histogram.unwrap_or(word).to_owned()
    });
    names
        .filter(|name| name.ends_with("_total") || name.ends_with("_seconds") || name.ends_with("_listening"))
        .collect()
}

/// The code of all adapters, tests left out.
fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, sources: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, sources);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
                sources.push((path, code));
            }
        }
    }
    let adapters = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../adapters");
    let mut sources = Vec::new();
    for adapter in ["http", "sea-orm", "poem", "salvo", "tower"] {
        walk(&adapters.join(adapter).join("src"), &mut sources);
    }
    sources
}

#[test]
fn the_page_has_every_metric_and_no_other() {
    let code: String = sources()
        .into_iter()
        .filter(|(path, _)| path.to_str().unwrap().contains("metrics"))
        .map(|(_, code)| code)
        .collect();
    let (real, page) = (metrics_in(&code), metrics_in(PAGE));
    assert!(real.len() > 10, "{real:?}");
    assert_eq!(page, real);
    let strangers: Vec<String> = metrics_in(DASHBOARD).difference(&real).cloned().collect();
    assert!(strangers.is_empty(), "the dashboard shows what there is not: {strangers:?}");
}

/// The message of an event: the last literal of its call, whose text this begins with.
fn message(call: &str) -> Option<String> {
    let (mut depth, mut literal, mut last) = (1, None::<String>, None);
    let mut chars = call.chars();
    while let Some(c) = chars.next() {
        match (&mut literal, c) {
            (Some(_), '"') => last = literal.take(),
            (Some(text), '\\') => {
                // A line that goes on: what indents the next one is no text.
                if chars.next() == Some('\n') {
                    let rest = chars.as_str().trim_start();
                    chars = rest.chars();
                } else {
                    text.push(' ');
                }
            }
            (Some(text), c) => text.push(c),
            (None, '"') => literal = Some(String::new()),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, _) => {}
        }
        if depth == 0 {
            break;
        }
    }
    last.map(|text| text.split(" (said once").next().unwrap_or_default().replace('`', "'"))
}

#[test]
fn the_page_has_every_event() {
    let mut events = BTreeSet::new();
    for (_, code) in sources() {
        for level in ["tracing::error!(", "tracing::warn!(", "tracing::info!("] {
            for call in code.split(level).skip(1) {
                events.extend(message(call));
            }
        }
    }
    assert!(events.len() > 20, "{events:#?}");
    let replica = |event: &str| event.starts_with("the replica") && event.ends_with("reading from the primary");
    let missing: Vec<&String> =
        events.iter().filter(|event| !PAGE.contains(&format!("| `{event}`")) && !replica(event)).collect();
    assert!(missing.is_empty(), "docs/operating.md does not explain {missing:#?}");
}
