//! The network between an application and its database: a TCP proxy that a test can cut, silence, or point elsewhere.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It breaks when a COMMIT is on its way to the server: before the server has it, or after.
    CutAtCommit { delivered: bool },
}

/// A proxy on a port of its own.
pub struct Proxy {
    pub port: u16,
    state: Arc<State>,
}

struct State {
    target: AtomicU16,
    /// Bytes vanish, in both directions, on all connections there are.
    silent: AtomicBool,
    /// The next so many COMMITs are cut.
    cuts: AtomicUsize,
    delivered: AtomicBool,
    cut: watch::Sender<u64>,
}

impl Proxy {
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            target: AtomicU16::new(target),
            silent: AtomicBool::new(false),
            cuts: AtomicUsize::new(0),
            delivered: AtomicBool::new(false),
            cut: watch::channel(0).0,
        });
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = shared.clone();
                tokio::spawn(async move { state.carry(client).await });
            }
        });
        Self { port, state }
    }

    /// New connections go to this port.
    pub fn point_to(&self, target: u16) {
        self.state.target.store(target, Ordering::SeqCst);
    }

    /// The connections there are fall silent for good, without being closed: their peer has vanished. New ones work.
    pub fn silence_present(&self) {
        self.state.cut.send_modify(|epoch| *epoch += 1);
        self.state.silent.store(true, Ordering::SeqCst);
    }

    /// Makes the network break at the next COMMIT.
    pub fn arm(&self, fault: Fault) {
        let Fault::CutAtCommit { delivered } = fault;
        self.state.delivered.store(delivered, Ordering::SeqCst);
        self.state.cuts.store(1, Ordering::SeqCst);
    }

    /// Whether the fault has happened.
    pub fn has_struck(&self) -> bool {
        self.state.cuts.load(Ordering::SeqCst) == 0
    }
}

impl State {
    async fn carry(self: Arc<Self>, client: TcpStream) {
        let target = self.target.load(Ordering::SeqCst);
        let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else { return };
        let born = *self.cut.borrow();
        let (client_reads, client_writes) = client.into_split();
        let (server_reads, server_writes) = server.into_split();
        let up = self.clone();
        let upwards = tokio::spawn(async move { up.pump(client_reads, server_writes, true, born).await });
        self.pump(server_reads, client_writes, false, born).await;
        upwards.abort();
    }

    async fn pump(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, upwards: bool, born: u64) {
        let mut bytes = vec![0; 16 * 1024];
        loop {
            let Ok(read) = from.read(&mut bytes).await else { return };
            if read == 0 {
                return;
            }
            if self.silent.load(Ordering::SeqCst) && *self.cut.borrow() > born {
                std::future::pending::<()>().await;
            }
            let sent = &bytes[..read];
            let commits = upwards && sent.windows(6).any(|window| window.eq_ignore_ascii_case(b"COMMIT"));
            let struck = commits
                && self.cuts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |cuts| cuts.checked_sub(1)).is_ok();
            if struck && !self.delivered.load(Ordering::SeqCst) {
                return;
            }
            if to.write_all(sent).await.is_err() || struck {
                return;
            }
        }
    }
}
