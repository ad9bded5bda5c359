//! A Galera cluster of three MariaDB nodes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::{
    is_there,
    server::{Server, free_ports, run},
};

const PROVIDER: &str = "/usr/lib/galera/libgalera_smm.so";

/// Three nodes that replicate to each other, each with an empty database `test`.
pub struct Galera {
    urls: Vec<String>,
    ports: Vec<u16>,
    _servers: Vec<Server>,
    _folder: TempDir,
}

impl Galera {
    /// Nothing where the machine has no Galera.
    pub async fn start() -> Option<Self> {
        let needed =
            [PROVIDER, "/usr/sbin/mariadbd", "/usr/bin/mariadb-install-db", "/usr/bin/rsync", "/usr/bin/setpriv"];
        if !is_there("Galera", &needed) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let ports = free_ports::<9>();
        let nodes: Vec<Node> = (0..3).map(|node| Node::new(folder.path(), node, &ports)).collect();
        let members: Vec<String> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.group)).collect();
        run(Command::new("chown").arg("-R").arg("mysql:mysql").arg(folder.path()));
        run(as_mysql("/usr/bin/mariadb-install-db")
            .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg(format!("--datadir={}", nodes[0].data().display())));
        // The others begin as copies of the first: then no state has to be transferred.
        drop(nodes[0].start("gcomm://").await);
        for node in &nodes[1..] {
            run(as_mysql("/bin/cp").arg("-a").arg(nodes[0].data()).arg(node.data()));
        }
        let mut servers = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            let address = if index == 0 { "gcomm://".into() } else { format!("gcomm://{}", members.join(",")) };
            servers.push(node.start(&address).await);
        }
        let db = Database::connect(nodes[0].url("mysql")).await.unwrap();
        let _ = db.execute_unprepared("CREATE DATABASE test").await.unwrap();
        let urls = nodes.iter().map(|node| node.url("test")).collect();
        let ports = nodes.iter().map(|node| node.sql).collect();
        Some(Self { urls, ports, _servers: servers, _folder: folder })
    }

    /// The port of a node's database.
    pub fn port(&self, node: usize) -> u16 {
        self.ports[node]
    }

    /// Where a node's database is.
    pub fn url(&self, node: usize) -> &str {
        &self.urls[node]
    }

    /// A connection to a node, as an application has it.
    pub async fn connect(&self, node: usize) -> DatabaseConnection {
        let mut options = ConnectOptions::new(&self.urls[node]);
        options.max_connections(8).sqlx_logging(false);
        Database::connect(options).await.unwrap()
    }

    /// Makes a node apply the others' commits 0.1 to 0.4 s late, while it answers reads, until the task is aborted.
    pub async fn lag(&self, node: usize) -> JoinHandle<()> {
        let mut options = ConnectOptions::new(&self.urls[node]);
        options.max_connections(1).sqlx_logging(false);
        let db = Database::connect(options).await.unwrap();
        tokio::spawn(async move {
            for round in 0_u64.. {
                let _ = db.execute_unprepared("FLUSH TABLES WITH READ LOCK").await.unwrap();
                tokio::time::sleep(Duration::from_millis(100 + round * 97 % 300)).await;
                let _ = db.execute_unprepared("UNLOCK TABLES").await.unwrap();
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
    }
}

/// Runs a program as the user that the machine's MariaDB has: what transfers state refuses to be root.
fn as_mysql(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=mysql", "--regid=mysql", "--clear-groups", "--", program]);
    command
}

struct Node {
    home: PathBuf,
    sql: u16,
    group: u16,
    ist: u16,
}

impl Node {
    fn new(folder: &Path, index: usize, ports: &[u16]) -> Self {
        let home = folder.join(format!("node-{index}"));
        fs::create_dir_all(&home).unwrap();
        Self { home, sql: ports[3 * index], group: ports[3 * index + 1], ist: ports[3 * index + 2] }
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    fn url(&self, database: &str) -> String {
        format!("mysql://root@127.0.0.1:{}/{database}", self.sql)
    }

    async fn start(&self, address: &str) -> Server {
        let (data, home, Self { sql, group, ist, .. }) = (self.data(), &self.home, self);
        let (data, socket, pid) = (data.display(), home.join("sql.sock"), home.join("pid"));
        let mut command = as_mysql("/usr/sbin/mariadbd");
        command.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve"]);
        command.args(["--innodb-autoinc-lock-mode=2", "--binlog-format=ROW", "--innodb-buffer-pool-size=32M"]);
        command.args(["--innodb-flush-log-at-trx-commit=0", "--wsrep-on=ON", "--wsrep-sst-method=rsync"]);
        command.args([
            format!("--datadir={data}"),
            format!("--socket={}", socket.display()),
            format!("--pid-file={}", pid.display()),
            format!("--port={sql}"),
            format!("--wsrep-provider={PROVIDER}"),
            format!("--wsrep-cluster-address={address}"),
            format!("--wsrep-node-address=127.0.0.1:{group}"),
            format!(
                "--wsrep-provider-options=gmcast.listen_addr=tcp://127.0.0.1:{group};ist.recv_addr=127.0.0.1:{ist};\
                 gcache.size=16M;base_dir={data}"
            ),
        ]);
        let mut server = Server::start(&mut command, home, "-TERM");
        until_synced(&mut server, &self.url("mysql"), home).await;
        server
    }
}

async fn until_synced(server: &mut Server, url: &str, home: &Path) {
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let log = || fs::read_to_string(home.join("server.log")).unwrap_or_default();
        assert!(!server.has_ended(), "the node ended: {}", log());
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).connect_timeout(Duration::from_secs(2)).sqlx_logging(false);
        let Ok(db) = Database::connect(options).await else { continue };
        let statement = sea_orm::Statement::from_string(
            sea_orm::DbBackend::MySql,
            "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'wsrep_local_state_comment'",
        );
        if let Ok(Some(row)) = db.query_one_raw(statement).await
            && row.try_get_by_index::<String>(0).is_ok_and(|state| state == "Synced")
        {
            return;
        }
    }
    panic!("the node did not join: {}", fs::read_to_string(home.join("server.log")).unwrap_or_default());
}
