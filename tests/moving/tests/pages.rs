//! The Rust code in `docs/moving.md` and `docs/moving/` is code of this crate, which the other tests run.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The files under a folder whose names end like this.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_str().unwrap().ends_with(ending) {
            found.push(path);
        }
    }
    found
}

/// The text without indentation: a block may be the inside of a function.
fn flat(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_block_of_rust_is_code_of_this_crate() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = here.join("../../docs");
    let code: Vec<String> =
        files(&here.join("src"), ".rs").iter().map(|path| flat(&fs::read_to_string(path).unwrap())).collect();
    let mut pages = files(&docs.join("moving"), ".md");
    assert_eq!(pages.len(), 5, "a page for each system");
    pages.push(docs.join("moving.md"));
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let blocks: Vec<&str> = text.split("\n```rust").skip(1).collect();
        assert!(!blocks.is_empty(), "{}", page.display());
        for block in blocks {
            let (attributes, block) = block.split_once('\n').unwrap();
            assert_eq!(attributes, "", "{}: a block that says more than `rust`", page.display());
            let block = flat(block.split("\n```").next().unwrap());
            assert!(code.iter().any(|code| code.contains(&block)), "{}: not in this crate:\n{block}", page.display());
        }
    }
}

/// Links between the pages, and to the files of the repository.
#[test]
fn every_link_leads_to_a_file() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let mut pages = files(&docs.join("moving"), ".md");
    pages.push(docs.join("moving.md"));
    let mut links = 0;
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link}", page.display());
            if !heading.is_empty() {
                let headings =
                    fs::read_to_string(&target).unwrap().to_lowercase().replace(['.', '`'], "").replace(' ', "-");
                assert!(headings.lines().any(|line| line.trim_start_matches('#') == format!("-{heading}")), "{link}");
            }
            links += 1;
        }
    }
    assert!(links > 10, "{links}");
}
