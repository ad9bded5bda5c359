//! A PostgreSQL server, alone or with a standby.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use sea_orm::{ConnectOptions, ConnectionTrait, Database};
use tempfile::TempDir;

use crate::{
    is_there,
    server::{Server, free_ports, run},
};

const BIN: &str = "/usr/lib/postgresql/15/bin";

/// One server.
pub struct Postgres {
    pub port: u16,
    data: PathBuf,
    _server: Server,
}

/// A server without a standby.
pub struct PostgresAlone {
    pub server: Postgres,
    folder: TempDir,
}

/// A primary, and a standby that follows it asynchronously.
pub struct PostgresPair {
    pub primary: Postgres,
    pub standby: Postgres,
    _folder: TempDir,
}

/// Runs a program as the user that the machine's PostgreSQL has: the servers refuse to be root.
pub(crate) fn as_postgres(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--", program]);
    command
}

/// A program of PostgreSQL's.
fn postgres(program: &str) -> Command {
    as_postgres(&format!("{BIN}/{program}"))
}

/// A new folder of that user; nothing where the machine has no PostgreSQL 15 with these programs.
fn folder_for(what: &str, programs: &[&str]) -> Option<TempDir> {
    let needed: Vec<String> = programs.iter().map(|program| format!("{BIN}/{program}")).collect();
    let needed: Vec<&str> = needed.iter().map(String::as_str).chain(["/usr/bin/setpriv"]).collect();
    if !is_there(what, &needed) {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    run(Command::new("chown").arg("postgres:postgres").arg(folder.path()));
    Some(folder)
}

impl PostgresAlone {
    /// Nothing where the machine has no PostgreSQL 15.
    pub async fn start() -> Option<Self> {
        let folder = folder_for("PostgreSQL", &["initdb", "postgres"])?;
        let [port] = free_ports();
        let server = Postgres::create(port, folder.path().join("primary")).await;
        Some(Self { server, folder })
    }

    /// A folder that the server's user may write to.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl PostgresPair {
    /// Nothing where the machine has no PostgreSQL 15.
    pub async fn start() -> Option<Self> {
        let folder = folder_for("a PostgreSQL standby", &["initdb", "postgres", "pg_basebackup", "pg_ctl"])?;
        let [first, second] = free_ports::<2>();
        let (one, two) = (folder.path().join("primary"), folder.path().join("standby"));
        let primary = Postgres::create(first, one).await;
        let from = format!("host=127.0.0.1 port={first} user=postgres");
        run(postgres("pg_basebackup")
            .args(["--checkpoint=fast", "--write-recovery-conf", "--wal-method=stream", "--no-sync", "-d", &from, "-D"])
            .arg(&two));
        let standby = Postgres::start(second, two).await;
        Some(Self { primary, standby, _folder: folder })
    }
}

impl Postgres {
    /// A server with no data yet.
    async fn create(port: u16, data: PathBuf) -> Self {
        run(postgres("initdb").args(["--auth=trust", "--username=postgres", "--no-sync", "-D"]).arg(&data));
        Self::start(port, data).await
    }

    async fn start(port: u16, data: PathBuf) -> Self {
        let mut command = postgres("postgres");
        command.arg("-D").arg(&data).args(["-p", &port.to_string()]);
        for setting in
            ["listen_addresses=127.0.0.1", "fsync=off", "max_connections=60", "shared_buffers=16MB", "hot_standby=on"]
        {
            command.args(["-c", setting]);
        }
        command.arg("-c").arg(format!("unix_socket_directories={}", data.display()));
        let home = data.parent().unwrap_or(&data).join(format!("log-{port}"));
        fs::create_dir_all(&home).unwrap();
        let server = Server::start(&mut command, &home, "-INT");
        let this = Self { port, data, _server: server };
        this.until_up(&home).await;
        this
    }

    async fn until_up(&self, home: &Path) {
        for _ in 0..300 {
            let mut options = ConnectOptions::new(self.url());
            options.max_connections(1).connect_timeout(Duration::from_secs(1)).sqlx_logging(false);
            if let Ok(db) = Database::connect(options).await
                && db.execute_unprepared("SELECT 1").await.is_ok()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("PostgreSQL did not start: {}", fs::read_to_string(home.join("server.log")).unwrap_or_default());
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Makes a standby the primary.
    pub fn promote(&self) {
        run(postgres("pg_ctl").args(["promote", "-w", "-D"]).arg(&self.data));
    }

    /// Runs a statement.
    pub async fn execute(&self, sql: &str) {
        let mut options = ConnectOptions::new(self.url());
        options.max_connections(1).sqlx_logging(false);
        let db = Database::connect(options).await.unwrap();
        let _ = db.execute_unprepared(sql).await.unwrap();
    }
}
