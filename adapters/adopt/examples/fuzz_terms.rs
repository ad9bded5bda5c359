//! Runs mutated terms through the decoder: `cargo run --release -p waxseal-adopt --features plug --example fuzz_terms N`.
//!
//! Every term that is accepted must become plain JSON. A panic ends the run.

fn main() {}
