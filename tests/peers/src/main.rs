//! What a session costs a request: the same three routes through bare Poem, Poem's own sessions and ours, interleaved in one
//! run. `cargo xtask bench peers`
//!
//! The server has one thread; the load comes from another, over keep-alive connections that each hold a session. CPU is the server
//! thread's own clock, so what the load generator and the database spend does not count. The least of the rounds is shown.

#![forbid(unsafe_code)]
#![allow(missing_docs, clippy::unwrap_used)]

mod load;
mod servers;

use std::env;

use load::{Measured, measure};
use servers::Server;

const ROUNDS: usize = 5;

fn main() {
    // `memory` as an argument leaves the databases out.
    let mut servers = vec![Server::bare(), Server::poem_memory(), Server::waxseal_memory()];
    if env::args().nth(1).as_deref() != Some("memory") {
        servers.push(Server::waxseal_sqlite());
        match env::var("WAXSEAL_TEST_POSTGRES_URL") {
            Ok(url) => servers.push(Server::waxseal_postgres(&url)),
            Err(_) => println!("left out: PostgreSQL (WAXSEAL_TEST_POSTGRES_URL is not set)"),
        }
    }
    let routes = ["/plain", "/read", "/write"];
    let mut best: Vec<[Measured; 3]> = vec![[Measured::worst(); 3]; servers.len()];
    for _ in 0..ROUNDS {
        for (server, best) in servers.iter().zip(&mut best) {
            for (route, best) in routes.iter().zip(best) {
                *best = best.better(measure(server, route));
            }
        }
    }
    let bare = best[0];
    println!("\n| | plain | read | write | µs of CPU over bare Poem: plain | read | write |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for (server, [plain, read, write]) in servers.iter().zip(&best) {
        let over = |measured: &Measured, bare: &Measured| format!("{:.1}", measured.cpu_us - bare.cpu_us);
        println!(
            "| {} | {:.0} | {:.0} | {:.0} | {} | {} | {} |",
            server.name,
            plain.per_second,
            read.per_second,
            write.per_second,
            over(plain, &bare[0]),
            over(read, &bare[1]),
            over(write, &bare[2])
        );
    }
}
