//! What a session costs a request: the same routes through bare Poem and axum, through the sessions of others and through ours,
//! interleaved in one run. `cargo xtask bench peers`
//!
//! The server has one thread; the load comes from another, over keep-alive connections that each hold a session. CPU time is
//! that of the server's thread, so the work of the load generator and of the database is not counted. The best of the rounds is shown:
//! the highest rate and the lowest CPU time.

#![forbid(unsafe_code)]
#![allow(missing_docs, clippy::unwrap_used)]

mod load;
mod nodes;
mod servers;

use std::env;

use load::{ASKED, Measured, measure};
use servers::Server;
use waxseal_peers::postgres_url;

const ROUNDS: usize = 15;

fn main() {
    // For profiling: the first argument selects servers by a part of their names (bare ones always run), the second selects requests.
    let mut parts = env::args().skip(1);
    let (part, only) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let mut servers = vec![
        Server::bare(),
        Server::bare_axum(),
        Server::poem_memory(),
        Server::waxseal_memory(),
        Server::waxseal_memory_full(),
        Server::waxseal_sqlite(),
    ];
    let url = postgres_url();
    match &url {
        Some(url) => servers.extend([
            Server::waxseal_postgres(url),
            Server::waxseal_cached(url),
            Server::waxseal_alone(url),
            Server::tower_sessions(url),
            Server::axum_session(url),
        ]),
        None => println!("left out: PostgreSQL (WAXSEAL_TEST_POSTGRES_URL is not set)"),
    }
    let asked = |server: &&Server| server.name.contains("bare") || server.name.contains(&part);
    let servers: Vec<&Server> = servers.iter().filter(asked).collect();
    let mut best = vec![[Measured::worst(); ASKED.len()]; servers.len()];
    for _ in 0..ROUNDS {
        for (server, best) in servers.iter().zip(&mut best) {
            let chosen = ASKED.into_iter().zip(best).filter(|(asked, _)| asked.name.contains(&only));
            for (asked, best) in chosen {
                *best = best.better(measure(server, asked));
            }
        }
    }
    let bare = best[0];
    let names = ASKED.map(|asked| asked.name).join(" | ");
    println!("\n| | {names} | µs of CPU over bare Poem: {names} |");
    println!("|---|{}", "--:|".repeat(2 * ASKED.len()));
    for (server, best) in servers.iter().zip(&best) {
        let per_second = best.iter().map(|measured| format!("{:.0}", measured.per_second));
        let over = best.iter().zip(&bare).map(|(measured, bare)| format!("{:.1}", measured.cpu_us - bare.cpu_us));
        println!("| {} | {} |", server.name, per_second.chain(over).collect::<Vec<_>>().join(" | "));
    }
    if let (Some(url), true) = (url, only.is_empty()) {
        nodes::report(&url);
    }
}
