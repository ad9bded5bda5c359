//! PgBouncer before a PostgreSQL server.

use std::{fs, path::Path, time::Duration};

use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};

use crate::{
    PostgresAlone, is_there,
    postgres::as_postgres,
    server::{Server, free_ports, run},
};

const PROGRAM: &str = "/usr/sbin/pgbouncer";

/// For how long a client has a connection to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Until it disconnects.
    Session,
    /// For a transaction.
    Transaction,
}

/// A pooler, and the server behind it.
pub struct PgBouncer {
    port: u16,
    _pooler: Server,
    pub behind: PostgresAlone,
}

impl PgBouncer {
    /// `ignored` are the startup parameters that it does not refuse. Versions that can track prepared statements are told not to, so
    /// that all versions behave alike.
    ///
    /// Nothing where the machine has no PgBouncer or no PostgreSQL 15.
    pub async fn start(pooling: Pooling, ignored: &str) -> Option<Self> {
        if !is_there("PgBouncer", &[PROGRAM]) {
            return None;
        }
        let behind = PostgresAlone::start().await?;
        let [port] = free_ports();
        let mode = match pooling {
            Pooling::Session => "session",
            Pooling::Transaction => "transaction",
        };
        let mut settings = format!(
            "[databases]\n\
             * = host=127.0.0.1 port={} user=postgres\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir =\n\
             auth_type = any\n\
             pool_mode = {mode}\n\
             ignore_startup_parameters = {ignored}\n",
            behind.server.port
        );
        if knows_prepared_statements() {
            settings.push_str("max_prepared_statements = 0\n");
        }
        let home = behind.folder().join("pgbouncer");
        fs::create_dir(&home).unwrap();
        let file = home.join("pgbouncer.ini");
        fs::write(&file, settings).unwrap();
        let mut pooler = Server::start(as_postgres(PROGRAM).arg(&file), &home, "-TERM");
        until_up(&mut pooler, port, &home).await;
        Some(Self { port, _pooler: pooler, behind })
    }

    /// A node's connections through the pooler.
    pub async fn connect(&self, set: impl FnOnce(&mut ConnectOptions)) -> Result<DatabaseConnection, DbErr> {
        connect(self.port, set).await
    }

    /// The same, past the pooler.
    pub async fn connect_past(&self) -> DatabaseConnection {
        connect(self.behind.server.port, |_| {}).await.unwrap()
    }
}

async fn connect(port: u16, set: impl FnOnce(&mut ConnectOptions)) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(format!("postgres://postgres@127.0.0.1:{port}/postgres"));
    options.max_connections(8).connect_timeout(Duration::from_secs(5)).sqlx_logging(false);
    set(&mut options);
    Database::connect(options).await
}

/// Whether this version (1.21 or later) has the setting `max_prepared_statements`.
fn knows_prepared_statements() -> bool {
    let text = run(as_postgres(PROGRAM).arg("--version"));
    let version = text.split_whitespace().find_map(|word| word.strip_prefix("1.")).unwrap();
    version.split('.').next().unwrap().parse::<u32>().unwrap() >= 21
}

async fn until_up(pooler: &mut Server, port: u16, home: &Path) {
    let log = || fs::read_to_string(home.join("server.log")).unwrap_or_default();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!pooler.has_ended(), "PgBouncer ended: {}", log());
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return;
        }
    }
    panic!("PgBouncer did not start: {}", log());
}
