//! The application under test: a process with a folder and a database of its own.

use std::{
    env,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use sea_orm::{ConnectionTrait, Database};
use tempfile::TempDir;
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

use crate::Client;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Db {
    Sqlite,
    Postgres,
    MariaDb,
}

pub struct Application {
    binary: String,
    folder: Arc<TempDir>,
    env: Vec<(String, String)>,
    address: String,
    process: Child,
}

impl Application {
    /// `None`, with a line that says so, if the machine has no such database.
    pub async fn start(binary: &str, db: Db, test: &str, env: &[(&str, &str)]) -> Option<Self> {
        let mut env: Vec<(String, String)> =
            env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        if db != Db::Sqlite {
            let name = match db {
                Db::Postgres => "WAXSEAL_TEST_POSTGRES_URL",
                _ => "WAXSEAL_TEST_MYSQL_URL",
            };
            let Ok(url) = env::var(name) else {
                println!("left out: {name} is not set");
                return None;
            };
            // One database for each application and test. It is made anew at each run and not dropped afterwards.
            let stem = binary.rsplit(['/', '\\']).next().unwrap().replace(['-', '.'], "_");
            let database = format!("{stem}_{test}");
            let admin = Database::connect(&url).await.unwrap();
            for sql in [format!("DROP DATABASE IF EXISTS {database}"), format!("CREATE DATABASE {database}")] {
                admin.execute_unprepared(&sql).await.unwrap();
            }
            let (server, _) = url.rsplit_once('/').unwrap();
            env.push(("DATABASE_URL".into(), format!("{server}/{database}")));
        }
        Some(Self::launch(binary.into(), Arc::new(tempfile::tempdir().unwrap()), env).await)
    }

    /// On a database that the caller has.
    pub async fn start_on(binary: &str, url: &str) -> Self {
        let env = vec![("DATABASE_URL".into(), url.into())];
        Self::launch(binary.into(), Arc::new(tempfile::tempdir().unwrap()), env).await
    }

    /// Another process of the application, with the same keys, on another node of the same database.
    pub async fn start_beside_on(&self, url: &str) -> Self {
        let env = vec![("DATABASE_URL".into(), url.into())];
        Self::launch(self.binary.clone(), self.folder.clone(), env).await
    }

    async fn launch(binary: String, folder: Arc<TempDir>, env: Vec<(String, String)>) -> Self {
        // A free port, given back just before the application takes it.
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let mut process = command(&binary, &folder)
            .envs(env.iter().map(|(name, value)| (name, value)))
            .env("PORT", port.to_string())
            .spawn()
            .unwrap();
        let address = format!("127.0.0.1:{port}");
        for _ in 0..400 {
            if TcpStream::connect(&address).await.is_ok() {
                return Self { binary, folder, env, address, process };
            }
            if let Some(status) = process.try_wait().unwrap() {
                panic!("the application ended at its start: {status}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the application does not listen on {address}");
    }

    /// Another process of the application, over the same database and with the same keys.
    pub async fn start_beside(&self) -> Self {
        Self::launch(self.binary.clone(), self.folder.clone(), self.env.clone()).await
    }

    pub fn client(&self) -> Client {
        Client { address: self.address.clone(), cookie: None, headers: Vec::new() }
    }

    /// A client of the application before its restart.
    pub fn adopt(&self, client: Client) -> Client {
        Client { address: self.address.clone(), ..client }
    }

    /// Ends the application as Ctrl-C does; it must end cleanly.
    async fn end(process: &mut Child) {
        let pid = process.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
        let status =
            tokio::time::timeout(Duration::from_secs(15), process.wait()).await.expect("Ctrl-C ends it").unwrap();
        assert!(status.success(), "{status}");
    }

    pub async fn stop(mut self) {
        Self::end(&mut self.process).await;
    }

    pub async fn restart(mut self) -> Self {
        Self::end(&mut self.process).await;
        Self::launch(self.binary, self.folder, self.env).await
    }

    /// Starts with one variable set, and gives how it ended and what it said.
    pub async fn fails_to_start(binary: &str, name: &str, value: &str) -> (ExitStatus, String) {
        let folder = tempfile::tempdir().unwrap();
        let mut process = command(binary, &folder)
            .env("PORT", "0")
            .env(name, value)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = String::new();
        let (mut out, mut err) = (process.stdout.take().unwrap(), process.stderr.take().unwrap());
        let ended = async {
            out.read_to_string(&mut output).await.unwrap();
            err.read_to_string(&mut output).await.unwrap();
            process.wait().await.unwrap()
        };
        let status = tokio::time::timeout(Duration::from_secs(20), ended).await.expect("it refuses to start");
        (status, output)
    }
}

fn command(binary: &str, folder: &TempDir) -> Command {
    let mut command = Command::new(binary);
    command.current_dir(folder.path()).env_remove("DATABASE_URL").env_remove("WAXSEAL_KEYS").kill_on_drop(true);
    command.env("RUST_LOG", "warn");
    command
}
