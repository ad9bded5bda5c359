//! A PostgreSQL primary with a standby.

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

/// A primary, and a standby that follows it asynchronously.
pub struct PostgresPair {
    pub primary: Postgres,
    pub standby: Postgres,
    _folder: TempDir,
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]);
    command.arg(format!("{BIN}/{program}"));
    command
}

impl PostgresPair {
    /// Nothing where the machine has no PostgreSQL 15.
    pub async fn start() -> Option<Self> {
        let needed = ["initdb", "postgres", "pg_basebackup", "pg_ctl"].map(|program| format!("{BIN}/{program}"));
        let needed: Vec<&str> = needed.iter().map(String::as_str).chain(["/usr/bin/setpriv"]).collect();
        if !is_there("a PostgreSQL standby", &needed) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        run(Command::new("chown").arg("postgres:postgres").arg(folder.path()));
        let [first, second] = free_ports::<2>();
        let (one, two) = (folder.path().join("primary"), folder.path().join("standby"));
        run(as_postgres("initdb").args(["--auth=trust", "--username=postgres", "--no-sync", "-D"]).arg(&one));
        let primary = Postgres::start(first, one).await;
        let from = format!("host=127.0.0.1 port={first} user=postgres");
        run(as_postgres("pg_basebackup")
            .args(["--checkpoint=fast", "--write-recovery-conf", "--wal-method=stream", "--no-sync", "-d", &from, "-D"])
            .arg(&two));
        let standby = Postgres::start(second, two).await;
        Some(Self { primary, standby, _folder: folder })
    }
}

impl Postgres {
    async fn start(port: u16, data: PathBuf) -> Self {
        let mut command = as_postgres("postgres");
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
        run(as_postgres("pg_ctl").args(["promote", "-w", "-D"]).arg(&self.data));
    }

    /// Runs a statement.
    pub async fn execute(&self, sql: &str) {
        let mut options = ConnectOptions::new(self.url());
        options.max_connections(1).sqlx_logging(false);
        let db = Database::connect(options).await.unwrap();
        let _ = db.execute_unprepared(sql).await.unwrap();
    }
}
