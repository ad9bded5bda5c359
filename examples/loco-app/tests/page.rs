//! `docs/loco.md` shows this application's files: every line of its code stands in the file that it names, in the same order.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{fs, path::Path};

/// A block of code, the file that it is from, and the language.
struct Block<'a> {
    file: &'a str,
    language: &'a str,
    lines: Vec<&'a str>,
}

/// The blocks whose paragraph ends in a file's name, as in "`src/app.rs`:". Every Rust block has one.
fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut above = "";
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let code = lines.by_ref().take_while(|line| *line != "```").collect();
            match above.strip_suffix("`:").and_then(|above| above.rsplit_once('`')) {
                Some((_, file)) => blocks.push(Block { file, language, lines: code }),
                None => assert_ne!(language, "rust", "no file is named above this block: {code:?}"),
            }
            above = "";
        } else if !line.trim().is_empty() {
            above = line.trim_end();
        }
    }
    blocks
}

/// The first line of `block` that `file` does not have after the lines before it.
fn missing<'a>(block: &[&'a str], file: &str) -> Option<&'a str> {
    let mut rest = file.lines();
    block.iter().copied().find(|line| !line.is_empty() && !rest.any(|mine| mine == *line))
}

#[test]
fn the_pages_code_is_the_examples() {
    let page = include_str!("../../../docs/loco.md");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut rust, mut yaml) = (0, 0);
    for Block { file, language, lines } in blocks(page) {
        match language {
            "rust" => rust += lines.len(),
            "yaml" => yaml += lines.len(),
            _ => continue,
        }
        let example = fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(missing(&lines, &example), None, "not in {file}, or in another order");
    }
    assert!(rust > 200 && yaml > 30, "{rust} lines of Rust and {yaml} of YAML");
}

#[test]
fn a_line_that_the_example_does_not_have_is_found() {
    let page = "Text.\n\n`src/a.rs`:\n\n```rust\nlet a = 1;\nlet b = 2;\n```\n\n```sh\nls\n```\n";
    let blocks = blocks(page);
    assert_eq!((blocks.len(), blocks[0].file, blocks[0].lines.len()), (1, "src/a.rs", 2));
    assert_eq!(missing(&blocks[0].lines, "let a = 1;\nlet more = 0;\nlet b = 2;"), None);
    assert_eq!(missing(&blocks[0].lines, "let b = 2;\nlet a = 1;"), Some("let b = 2;"));
    assert_eq!(missing(&blocks[0].lines, "let a = 1;\nlet b = 3;"), Some("let b = 2;"));
}
