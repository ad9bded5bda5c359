//! `docs/loco.md` shows this application's files: every line of its code is in the file that it names, in the same order.
//! Another test makes those files in an empty folder, builds them and signs in.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{fs, net::TcpListener, path::Path, process::Command, time::Duration};

use http::StatusCode;
use serde_json::json;
use tokio::net::TcpStream;
use waxseal_blackbox::Client;

const PAGE: &str = include_str!("../../../docs/loco.md");

/// A block of code, its language, and the file that it is from, or "".
struct Block<'a> {
    file: &'a str,
    language: &'a str,
    lines: Vec<&'a str>,
}

/// The blocks of a page. The line above a block ends in its file's name, as in "`src/app.rs`:".
fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut above = "";
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let code = lines.by_ref().take_while(|line| *line != "```").collect();
            let name = above.strip_suffix("`:").and_then(|above| above.rsplit_once('`'));
            blocks.push(Block { file: name.map_or("", |(_, file)| file), language, lines: code });
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
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut rust, mut yaml) = (0, 0);
    for Block { file, language, lines } in blocks(PAGE) {
        match language {
            "rust" => rust += lines.len(),
            "yaml" => yaml += lines.len(),
            _ => continue,
        }
        assert!(!file.is_empty(), "no file is named above this block: {lines:?}");
        let example = fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(missing(&lines, &example), None, "not in {file}, or in another order");
    }
    assert!(rust > 200 && yaml > 30, "{rust} lines of Rust and {yaml} of YAML");
}

#[test]
fn a_line_that_the_example_does_not_have_is_found() {
    let page = "Text.\n\n`src/a.rs`:\n\n```rust\nlet a = 1;\nlet b = 2;\n```\n\n```sh\nls\n```\n";
    let blocks = blocks(page);
    assert_eq!((blocks.len(), blocks[0].file, blocks[0].lines.len(), blocks[1].file), (2, "src/a.rs", 2, ""));
    assert_eq!(missing(&blocks[0].lines, "let a = 1;\nlet more = 0;\nlet b = 2;"), None);
    assert_eq!(missing(&blocks[0].lines, "let b = 2;\nlet a = 1;"), Some("let b = 2;"));
    assert_eq!(missing(&blocks[0].lines, "let a = 1;\nlet b = 3;"), Some("let b = 2;"));
}

/// Makes the page's files in `folder`, as a reader does. waxseal is this checkout.
fn copy_the_page(folder: &Path) {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().and_then(Path::parent).unwrap();
    let mut manifest = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n".to_owned();
    for sub in ["src", "config"] {
        fs::create_dir(folder.join(sub)).unwrap();
    }
    for Block { file, language, lines } in blocks(PAGE) {
        let code = lines.join("\n") + "\n";
        match language {
            "toml" => manifest += &code.replace("../waxseal/", &format!("{}/", checkout.display())),
            // The page has only a part of it.
            "yaml" if file == "config/production.yaml" => {}
            "rust" | "yaml" => fs::write(folder.join(file), code).unwrap(),
            _ => {}
        }
    }
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "builds about 430 crates: cargo test -p waxseal-example-loco --test page -- --ignored"]
async fn the_page_is_an_application_in_an_empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    copy_the_page(folder.path());
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("loco-page");
    let mut build = Command::new(env!("CARGO"));
    build.arg("build").current_dir(&folder).env("CARGO_TARGET_DIR", &target).env("CARGO_PROFILE_DEV_DEBUG", "none");
    assert!(build.status().unwrap().success());

    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut application = tokio::process::Command::new(target.join("debug/shop"))
        .arg("start")
        .current_dir(&folder)
        .env_remove("DATABASE_URL")
        .env("PORT", address.port().to_string())
        .env("WAXSEAL_KEYS", "FnF3z46lPrtjulQoH1ecNu1vt4wKb3AUJDdUzYhbuPc")
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    tokio::time::timeout(Duration::from_secs(20), async {
        while TcpStream::connect(address).await.is_err() {
            assert!(application.try_wait().unwrap().is_none(), "it ended at its start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("it listens");

    let mut client = Client { address: address.to_string(), cookie: None, headers: Vec::new() };
    assert_eq!(client.get("/account").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(client.form("/account/sign-in", "user=ada").await.json(), json!({ "signed_in": "ada" }));
    assert_eq!(client.get("/account").await.json(), json!({ "user": "ada", "visits": 1 }));
    assert_eq!(client.get("/account/devices").await.json(), json!({ "devices": 1 }));
    let mut signed_in = client.clone();
    client.post("/account/sign-out").await;
    assert_eq!(signed_in.get("/account").await.status, StatusCode::UNAUTHORIZED);
}
