//! The database goes away.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use sea_orm::{ConnectOptions, Database};
use tokio::net::{TcpListener, TcpStream};
use waxseal_conformance::{Bench, Framework, StoreKind};
use waxseal_http::Sessions;
use waxseal_sea_orm::SeaOrmStore;

use waxseal_conformance::{Client, keyring};

/// Forwards connections to a database until it is cut off: an outage, without stopping the machine's own database.
pub struct Cable {
    pub address: String,
    pub connected: Arc<AtomicBool>,
    connections: Arc<AtomicU32>,
}

impl Cable {
    pub async fn plug(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let connected = Arc::new(AtomicBool::new(true));
        let connections = Arc::new(AtomicU32::new(0));
        let (state, count) = (connected.clone(), connections.clone());
        tokio::spawn(async move {
            loop {
                let (mut inner, _) = listener.accept().await.unwrap();
                if !state.load(Ordering::SeqCst) {
                    continue;
                }
                let (server, state, count) = (server.clone(), state.clone(), count.clone());
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut outer = TcpStream::connect(server).await.unwrap();
                    let cut = async {
                        while state.load(Ordering::SeqCst) {
                            tokio::time::sleep(Duration::from_millis(5)).await;
                        }
                    };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut inner, &mut outer) => {}
                        () = cut => {}
                    }
                    drop((inner, outer));
                    count.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, connected, connections }
    }

    pub async fn cut(&self) {
        self.connected.store(false, Ordering::SeqCst);
        while self.connections.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r09_an_outage_of_the_database_signs_nobody_out() {
    let Some(bench) = Bench::open(StoreKind::Postgres, Framework::Engine, "outage").await else { return };
    let url = env::var("WAXSEAL_TEST_POSTGRES_URL").unwrap();
    let server = url.split('@').next_back().unwrap().split('/').next().unwrap().to_owned();
    let cable = Cable::plug(server.clone()).await;
    let mut options = ConnectOptions::new(url.replace(&server, &cable.address));
    options.max_connections(4).acquire_timeout(Duration::from_secs(2)).set_schema_search_path("waxseal_outage");
    let db = Database::connect(options).await.unwrap();
    let sessions = Sessions::builder(keyring(), SeaOrmStore::new(db)).build().unwrap();
    let mut clients = Vec::new();
    for n in 0..5 {
        let mut client = Client::new(&sessions);
        client.sign_in(&format!("user-{n}")).await.unwrap();
        clients.push(client);
    }
    cable.cut().await;
    for client in &mut clients {
        let error = client.subject().await.unwrap_err();
        assert_eq!(error.status(), StatusCode::SERVICE_UNAVAILABLE, "{error}");
        let error = client.request(async |session| session.insert("a", 1)).await.unwrap_err();
        assert_eq!(error.status(), StatusCode::SERVICE_UNAVAILABLE, "{error}");
    }
    cable.connected.store(true, Ordering::SeqCst);
    for (n, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.subject().await.unwrap(), Some(format!("user-{n}")));
    }
    bench.close().await;
}
