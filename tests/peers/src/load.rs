//! The load: keep-alive connections with a session each, and what they cost the server's thread.

use std::{
    fs,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Builder,
};

use crate::servers::Server;

const CONNECTIONS: usize = 32;
const FOR: Duration = Duration::from_millis(500);

/// What is asked of a server again and again.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    /// With the cookie of the connection's session; without one every request makes a session.
    pub(crate) in_a_session: bool,
}

pub(crate) const ASKED: [Asked; 4] = [
    Asked { name: "plain", path: "/plain", in_a_session: true },
    Asked { name: "read", path: "/read", in_a_session: true },
    Asked { name: "write", path: "/write", in_a_session: true },
    Asked { name: "create", path: "/write", in_a_session: false },
];

/// What it costs, measured.
#[derive(Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    pub(crate) cpu_us: f64,
}

impl Measured {
    pub(crate) fn worst() -> Self {
        Self { per_second: 0.0, cpu_us: f64::INFINITY }
    }

    pub(crate) fn better(self, other: Self) -> Self {
        Self { per_second: self.per_second.max(other.per_second), cpu_us: self.cpu_us.min(other.cpu_us) }
    }
}

/// CPU time of a thread of this process, in nanoseconds: the first number of its `schedstat`.
fn cpu_ns(thread: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/self/task/{thread}/schedstat")).unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

pub(crate) fn measure(server: &Server, asked: Asked) -> Measured {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut connection = TcpStream::connect(&server.address).await.unwrap();
            connection.set_nodelay(true).unwrap();
            let request =
                |path: &str, cookie: &str| format!("GET {path} HTTP/1.1\r\nhost: bench\r\ncookie: {cookie}\r\n\r\n");
            // A first write makes the session.
            let answer = exchange(&mut connection, request("/write", "a=b").as_bytes()).await;
            let cookies = answer.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
            let cookies: Vec<&str> = cookies.map(|cookie| cookie.split(';').next().unwrap()).collect();
            // A bare server gets a cookie of the same length: reading a header is not what a session costs.
            let cookie = if cookies.is_empty() { "x".repeat(131) } else { cookies.join("; ") };
            let cookie = if asked.in_a_session { &cookie } else { "a=b" };
            connections.push((connection, request(asked.path, cookie).into_bytes()));
        }
        let (start, cpu) = (Instant::now(), cpu_ns(&server.thread));
        if server.has_no_database {
            // Keeps this thread awake: otherwise the server's thread would spend CPU time on waking it. Not done with a database,
            // which needs this core.
            tokio::spawn(async move {
                while start.elapsed() < FOR {
                    tokio::task::yield_now().await;
                }
            });
        }
        let workers: Vec<_> = connections
            .into_iter()
            .map(|(mut connection, request)| {
                tokio::spawn(async move {
                    let mut count = 0u32;
                    while start.elapsed() < FOR {
                        let answer = exchange(&mut connection, &request).await;
                        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        let mut count = 0;
        for worker in workers {
            count += worker.await.unwrap();
        }
        let cpu = cpu_ns(&server.thread) - cpu;
        Measured {
            per_second: f64::from(count) / start.elapsed().as_secs_f64(),
            cpu_us: cpu as f64 / 1000.0 / f64::from(count),
        }
    })
}

/// Sends a request and reads its answer, whose body is a few bytes in the same packet.
async fn exchange(connection: &mut TcpStream, request: &[u8]) -> String {
    connection.write_all(request).await.unwrap();
    let mut answer = Vec::with_capacity(1024);
    loop {
        assert!(connection.read_buf(&mut answer).await.unwrap() > 0);
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() == length.parse::<usize>().unwrap() {
                return text.into_owned();
            }
        }
    }
}
