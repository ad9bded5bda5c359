//! Nodes that start at the same time on one empty database, the production configuration, and what deletes expired sessions.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{env, process::Output, time::Duration};

use http::{StatusCode, header};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use tempfile::TempDir;
use waxseal_blackbox::{Application, Db};

const BINARY: &str = env!("CARGO_BIN_EXE_waxseal-example-loco");
const KEYS: (&str, &str) = ("WAXSEAL_KEYS", "FnF3z46lPrtjulQoH1ecNu1vt4wKb3AUJDdUzYhbuPc");

fn sqlite(folder: &TempDir) -> String {
    format!("sqlite://{}?mode=rwc", folder.path().join("loco.sqlite").display())
}

/// The URL of a new, empty database on the server that the environment variable names.
async fn empty_database(variable: &str, name: &str) -> Option<String> {
    let Ok(url) = env::var(variable) else {
        println!("left out: {variable} is not set");
        return None;
    };
    let admin = Database::connect(&url).await.unwrap();
    for sql in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
        admin.execute_unprepared(&sql).await.unwrap();
    }
    Some(format!("{}/{name}", url.rsplit_once('/').unwrap().0))
}

/// Starts four nodes at once. A session of the first is good on all.
async fn all_start(url: &str) {
    let variables = [("DATABASE_URL", url), KEYS];
    let start = || Application::start(BINARY, Db::Sqlite, "nodes", &variables);
    let (a, b, c, d) = tokio::join!(start(), start(), start(), start());
    let nodes = [a.unwrap(), b.unwrap(), c.unwrap(), d.unwrap()];
    let mut client = nodes[0].client();
    client.form("/account/sign-in", "user=ada").await;
    for (node, visits) in nodes.iter().zip(1..) {
        let mut client = node.adopt(client.clone());
        let answer = client.get("/account").await;
        assert_eq!(answer.json(), serde_json::json!({ "user": "ada", "visits": visits }));
    }
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_start_at_once_on_an_empty_sqlite_file() {
    for _ in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        all_start(&sqlite(&folder)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_start_at_once_on_an_empty_postgres() {
    for _ in 0..3 {
        let Some(url) = empty_database("WAXSEAL_TEST_POSTGRES_URL", "waxseal_example_loco_nodes").await else { return };
        all_start(&url).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_start_at_once_on_an_empty_mariadb() {
    for _ in 0..3 {
        let Some(url) = empty_database("WAXSEAL_TEST_MYSQL_URL", "waxseal_example_loco_nodes").await else { return };
        all_start(&url).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_wants_keys_and_sends_secure_cookies() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite(&folder);
    let environment = ("LOCO_ENV", "production");
    let refused = command(&folder, &[environment, ("DATABASE_URL", &url)], &["start"]).await;
    assert!(!refused.status.success() && said(&refused).contains("WAXSEAL_KEYS"), "{}", said(&refused));

    let variables = [environment, ("DATABASE_URL", &url), ("HOST", "127.0.0.1"), KEYS];
    let app = Application::start(BINARY, Db::Sqlite, "production", &variables).await.unwrap();
    let answer = app.client().form("/account/sign-in", "user=ada").await;
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-session=") && cookie.contains("; Secure"), "{cookie}");
    app.stop().await;
}

/// Runs a command of the application.
async fn command(folder: &TempDir, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let (folder, arguments) = (folder.path().to_owned(), arguments.iter().map(ToString::to_string).collect::<Vec<_>>());
    let variables: Vec<_> = variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let run = move || {
        let mut command = std::process::Command::new(BINARY);
        command.current_dir(folder).env_remove("DATABASE_URL").env_remove("WAXSEAL_KEYS");
        command.args(arguments).envs(variables).output().unwrap()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// An application with one session, which has expired by a clock that is ahead.
struct Expired {
    folder: TempDir,
    app: Application,
    db: DatabaseConnection,
}

impl Expired {
    fn clock(folder: &TempDir) -> String {
        folder.path().join("seconds-ahead").display().to_string()
    }

    async fn new(sweep_every: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (url, clock) = (sqlite(&folder), Self::clock(&folder));
        std::fs::write(&clock, "0").unwrap();
        let variables = [
            ("DATABASE_URL", url.as_str()),
            ("WAXSEAL_EXAMPLE_CLOCK", &clock),
            ("WAXSEAL_SWEEP_EVERY", sweep_every),
            KEYS,
        ];
        let app = Application::start(BINARY, Db::Sqlite, "sweep", &variables).await.unwrap();
        let mut client = app.client();
        client.form("/account/sign-in", "user=ada").await;
        assert_eq!(client.get("/account").await.status, StatusCode::OK);
        let db = Database::connect(&url).await.unwrap();
        let expired = Self { folder, app, db };
        assert_eq!(expired.rows().await, 1);
        std::fs::write(&clock, "1860").unwrap();
        assert_eq!(client.get("/account").await.status, StatusCode::UNAUTHORIZED);
        expired
    }

    async fn rows(&self) -> i64 {
        let sql = "SELECT COUNT(*) FROM waxseal_sessions";
        let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, sql);
        self.db.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
    }

    async fn sweep(&self) -> String {
        let (url, clock) = (sqlite(&self.folder), Self::clock(&self.folder));
        let variables = [("DATABASE_URL", url.as_str()), ("WAXSEAL_EXAMPLE_CLOCK", &clock), KEYS];
        let output = command(&self.folder, &variables, &["task", "sweep_sessions"]).await;
        assert!(output.status.success(), "{}", said(&output));
        said(&output)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_task_deletes_expired_sessions() {
    let expired = Expired::new("0").await;
    let first = expired.sweep().await;
    assert!(first.contains("expired sessions deleted: 1"), "{first}");
    assert_eq!(expired.rows().await, 0);
    let second = expired.sweep().await;
    assert!(second.contains("expired sessions deleted: 0"), "{second}");
    expired.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sweeper_deletes_expired_sessions() {
    let expired = Expired::new("1").await;
    for _ in 0..100 {
        if expired.rows().await == 0 {
            return expired.app.stop().await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the sweeper deleted nothing in ten seconds");
}
