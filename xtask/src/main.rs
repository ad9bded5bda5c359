//! Tasks for people who work on waxseal: `cargo xtask <task>`.

#![forbid(unsafe_code)]

mod edge;
mod fuzz;
mod packages;
mod run;
mod test;
mod wasm;

use std::{env, process::ExitCode};

use run::Failed;

const HELP: &str = "cargo xtask <task>

  test             everything that this machine can run; closes with what it left out
  simulate [seeds] the engine on simulated nodes, over a simulated database, in simulated time
  simulate --seed SEED             replays a seed and prints its trace
  simulate --fault NAME [seeds]    with a deliberate fault, which must be found; `list` lists them, `all` tries each
  fuzz [seconds]   each fuzz target for so many seconds (60)
  bench core       cookie and row benches beside the raw primitives, cookie-rs and jsonwebtoken
  bench peers      requests through Poem and axum, bare, with others' sessions and with ours
  bench hang-ups   100,000 clients that hang up on one session: memory, and what another user waits
  wasm             the npm package in wasm/npm
  vectors          write the files of tests/vectors that are not frozen yet
  bench edge       the npm package beside jose, iron-session and WebCrypto, in Node and in workerd
  edge-worker      the example worker before the Poem example, on PostgreSQL (DATABASE_URL)

The keys of an application are made by the command `waxseal`: cargo run -p waxseal-cli -- keygen
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["test"] => test::everything(),
        ["simulate", arguments @ ..] => run::simulation(arguments),
        ["fuzz"] => fuzz::targets(60),
        ["fuzz", seconds] => match seconds.parse() {
            Ok(seconds) => fuzz::targets(seconds),
            Err(_) => Err(Failed(format!("{seconds:?} is not a number of seconds"))),
        },
        ["bench", "core"] => run::cargo(&["bench", "-p", "waxseal-core", "--bench", "ticket", "--bench", "row"]),
        ["bench", "peers"] => {
            run::cargo(&["run", "--profile", "peers", "-p", "waxseal-peers", "--bin", "waxseal-peers"])
        }
        ["bench", "hang-ups"] => run::cargo(&["run", "--profile", "peers", "-p", "waxseal-peers", "--bin", "hang-ups"]),
        ["bench", "edge"] => edge::bench(),
        ["edge-worker"] => edge::worker(),
        ["wasm"] => wasm::package(),
        ["vectors"] => run::command(
            "cargo",
            &["test", "-p", "waxseal-core", "--test", "vectors"],
            &[("WAXSEAL_WRITE_VECTORS", "1")],
        ),
        _ => {
            eprint!("{HELP}");
            return ExitCode::FAILURE;
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed(why)) => {
            eprintln!("failed: {why}");
            ExitCode::FAILURE
        }
    }
}
