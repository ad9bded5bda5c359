//! The command as its user runs it: on SQLite, and on PostgreSQL and MariaDB where they are set.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    env, fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use http::{HeaderMap, StatusCode, header};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use serde_json::Value;
use tempfile::TempDir;
use waxseal_core::Keyring;
use waxseal_http::Sessions;
use waxseal_sea_orm::{SeaOrmStore, Table};

/// A folder with a file of keys and one with a database URL, as an operator has them.
struct Place {
    folder: TempDir,
    url: String,
    table: &'static str,
}

impl Place {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("db.sqlite").display());
        Self::at(folder, url, "waxseal_sessions")
    }

    fn at(folder: TempDir, url: String, table: &'static str) -> Self {
        let place = Self { folder, url, table };
        place.write("url", &place.url);
        let key = place.run(&["keygen"], "");
        place.write("keys", &stdout(&key));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_waxseal"));
        command.env_clear().args(arguments).args(["--table", self.table]);
        command.arg("--database-url-file").arg(self.path("url")).arg("--keys-file").arg(self.path("keys"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    fn json(&self, arguments: &[&str], input: &str) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat(), input);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
    }

    /// What the doctor says is broken.
    fn broken(&self, arguments: &[&str]) -> Vec<String> {
        let all = self.json(&[&["doctor"], arguments].concat(), "");
        let broken = all.as_array().unwrap().iter().filter(|finding| finding["result"] == "broken");
        broken.map(|finding| finding["check"].as_str().unwrap().to_owned()).collect()
    }

    async fn db(&self) -> DatabaseConnection {
        Database::connect(&self.url).await.unwrap()
    }

    fn keyring(&self) -> Keyring {
        Keyring::from_text(&fs::read_to_string(self.path("keys")).unwrap()).unwrap()
    }

    /// Signs in and gives the cookie, `name=value`.
    async fn sign_in(&self, subject: &str) -> String {
        let store = SeaOrmStore::new(self.db().await).with_table(&Table::new(self.table).unwrap());
        let sessions = Sessions::builder(self.keyring(), store).claims(["role"]).build().unwrap();
        let session = sessions.open(&HeaderMap::new());
        session.sign_in(subject).unwrap();
        session.insert("role", "admin").unwrap();
        session.insert("hobby", "gardening").unwrap();
        session.set_label("Firefox on Linux");
        let mut headers = HeaderMap::new();
        let _ = sessions.commit(&session, StatusCode::OK, &mut headers).await.unwrap();
        let set = headers[header::SET_COOKIE].to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    }
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// One place for each database of this machine.
fn places() -> Vec<Place> {
    let mut places = vec![Place::sqlite()];
    for (variable, table) in [("WAXSEAL_TEST_POSTGRES_URL", "cli_sessions"), ("WAXSEAL_TEST_MYSQL_URL", "cli_sessions")]
    {
        match env::var(variable) {
            Ok(url) => places.push(Place::at(tempfile::tempdir().unwrap(), url, table)),
            Err(_) => println!("left out: {variable} is not set"),
        }
    }
    places
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operators_day() {
    for place in places() {
        let db = place.db().await;
        let _ = db.execute_unprepared(&format!("DROP TABLE IF EXISTS {}", place.table)).await.unwrap();
        if place.url.starts_with("sqlite") {
            let _ = db.execute_unprepared("PRAGMA journal_mode = WAL").await.unwrap();
        }
        assert_eq!(place.broken(&[]), ["table"]);
        stdout(&place.run(&["migrate"], ""));
        stdout(&place.run(&["migrate", "--notices"], ""));
        assert_eq!(place.broken(&[]), [""; 0], "{}", place.url);
        let (ada, _bob) = (place.sign_in("ada").await, place.sign_in("bob").await);
        let listed = place.json(&["list", "ada"], "");
        assert_eq!(listed[0]["label"], "Firefox on Linux");
        let stats = place.json(&["stats"], "");
        assert_eq!((&stats["signed_in"], &stats["ended"]), (&2.into(), &0.into()));
        assert_eq!(stats["oldest_key_in_use"], place.keyring().primary_id().to_string());

        let inspected = place.json(&["inspect"], &ada);
        assert_eq!((&inspected["subject"], &inspected["authentic"]), (&"ada".into(), &true.into()));
        let text = stdout(&place.run(&["inspect"], &ada));
        assert!(text.contains("live") && text.contains("hobby") && !text.contains("gardening"), "{text}");
        assert!(stdout(&place.run(&["inspect", "--show-values"], &ada)).contains("gardening"));
        let (front, back) = ada.split_at(ada.len() - 20);
        let other = if back.starts_with('A') { 'B' } else { 'A' };
        let forged = place.run(&["inspect"], &format!("{front}{other}{}", &back[1..]));
        assert_eq!(forged.status.code(), Some(1));

        assert_eq!(place.json(&["end", listed[0]["id"].as_str().unwrap()], "")["ended"], 1);
        assert!(stdout(&place.run(&["inspect"], &ada)).contains("ended at"));
        assert_eq!(place.json(&["end", "bob"], "")["ended"], 1);
        place.sign_in("eve").await;
        assert_eq!(place.json(&["end", "--all"], "")["ended"], 1);
        assert_eq!(place.json(&["stats"], "")["signed_in"], 0);
        let _ = db.execute_unprepared(&format!("UPDATE {} SET expires_at = 1", place.table)).await.unwrap();
        assert!(place.json(&["sweep", "--batch", "1", "--pause-ms", "0"], "")["deleted"].as_u64().unwrap() >= 3);
        let _ = db.execute_unprepared(&format!("DROP TABLE {}", place.table)).await.unwrap();
        let _ = db.execute_unprepared(&format!("DROP TABLE {}_migrations", place.table)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_names_what_was_broken() {
    let place = Place::sqlite();
    let db = place.db().await;
    let sql = async |sql: &str| {
        let _ = db.execute_unprepared(sql).await.unwrap();
    };
    sql("PRAGMA journal_mode = WAL").await;
    stdout(&place.run(&["migrate"], ""));
    place.sign_in("ada").await;
    assert_eq!(place.broken(&[]), [""; 0]);
    // 1. Keys that cannot be read, 2. that others can read, 3. that the rows were not made with.
    let good = fs::read_to_string(place.path("keys")).unwrap();
    place.write("keys", "hunter2");
    assert_eq!(place.broken(&[]), ["keys"]);
    place.write("keys", &stdout(&place.run(&["keygen"], "")));
    assert_eq!(place.broken(&[]), ["row-keys"]);
    place.write("keys", &good);
    fs::set_permissions(place.path("keys"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(place.broken(&[]), ["key-file"]);
    place.write("keys", &good);
    // 4. An index that was dropped, 5. rows that nobody sweeps, 6. the rollback journal.
    sql("DROP INDEX waxseal_sessions_subject").await;
    assert_eq!(place.broken(&[]), ["indexes"]);
    stdout(&place.run(&["migrate"], ""));
    sql("INSERT INTO waxseal_sessions SELECT x'00', generation, subject, label, created_at, lifetime_s, seen_at, 1, data FROM waxseal_sessions")
        .await;
    assert_eq!(place.broken(&[]), ["sweeper"]);
    stdout(&place.run(&["sweep"], ""));
    sql("PRAGMA journal_mode = DELETE").await;
    assert_eq!(place.broken(&[]), ["journal-mode"]);
    sql("PRAGMA journal_mode = WAL").await;
    // 7. A column that is gone, 8. a table that is not there, 9. a database that is away.
    sql("ALTER TABLE waxseal_sessions RENAME COLUMN label TO name").await;
    assert_eq!(place.broken(&[]), ["table"]);
    sql("DROP TABLE waxseal_sessions").await;
    assert_eq!(place.broken(&[]), ["table"]);
    stdout(&place.run(&["migrate"], ""));
    place.write("url", "postgres://127.0.0.1:1/none");
    assert_eq!(place.broken(&[]), ["database"]);
    place.write("url", &place.url);
    // 10. A cookie that others can take.
    let address = serve("s=x; Path=/");
    let broken = place.broken(&["--cookie", "s", "--url", &address]);
    assert_eq!(broken, ["cookie-secure", "cookie-httponly", "cookie-samesite", "cookie-cache"]);
}

/// Answers one request with this cookie.
fn serve(cookie: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        let response =
            format!("HTTP/1.1 200 OK\r\nSet-Cookie: {cookie}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(response.as_bytes()).unwrap();
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_rotate_in_three_steps_and_nobody_is_signed_out() {
    let place = Place::sqlite();
    stdout(&place.run(&["migrate"], ""));
    let cookie = place.sign_in("ada").await;
    let file = place.path("keys");
    let rotate = |more: &[&str]| place.json(&[&["keys", "rotate", file.to_str().unwrap()], more].concat(), "");
    assert_eq!(rotate(&[])["step"], "added");
    assert_eq!(rotate(&[])["step"], "promoted");
    assert_eq!(place.json(&["inspect"], &cookie)["authentic"], true);
    let early = place.run(&["keys", "rotate", file.to_str().unwrap()], "");
    assert!(!early.status.success() && String::from_utf8_lossy(&early.stderr).contains("--now"));
    assert_eq!(rotate(&["--now"])["step"], "dropped");
    assert_eq!(place.json(&["inspect"], &cookie)["authentic"], false);
    assert_eq!(mode(&file), 0o600);
    assert_eq!(place.json(&["keys", "list"], "")["ids"].as_array().unwrap().len(), 1);
    assert!(place.json(&["edge-keys", "cookies"], "")["edge_keys"].as_str().unwrap().len() > 100);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn bad_arguments_say_what_to_do() {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_waxseal"));
        let output = command.env_clear().args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, text) = run(&["stats"]);
    assert!(code == Some(1) && text.contains("DATABASE_URL"), "{text}");
    let (code, text) = run(&["edge-keys", "rows"]);
    assert!(code == Some(1) && text.contains("waxseal keygen"), "{text}");
    assert_eq!(run(&["end"]).0, Some(2));
    assert_eq!(run(&["unknown"]).0, Some(2));
    let output = Command::new(env!("CARGO_BIN_EXE_waxseal")).args(["completions", "bash"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("_waxseal"));
    let output = Command::new(env!("CARGO_BIN_EXE_waxseal")).arg("man").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains(".TH waxseal"));
}
