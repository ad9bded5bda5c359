//! Runs mutated terms through the decoder: `cargo run --release -p waxseal-adopt --example fuzz_terms N`.
//!
//! Each execution changes a few bytes of a valid term, and decodes it. A panic ends the run. A second argument is the seed.

use std::{env, process::ExitCode, time::Instant};

use waxseal_adopt::plug::decode_term;

/// Terms of every kind, and what is refused.
const SEEDS: &[&[u8]] = &[
    b"\x83t\0\0\0\x02m\0\0\0\x06localem\0\0\0\x02dem\0\0\0\x07user_idm\0\0\0\x0242",
    b"\x83t\0\0\0\x03d\0\x04flagd\0\x04trues\x04gonew\x03nilv\0\x04rolew\x05admin",
    b"\x83t\0\0\0\x03m\0\0\0\x03bign\x07\0\x01\0\0\0\0\0\x20m\0\0\0\x01fF\x3f\xf8\0\0\0\0\0\0m\0\0\0\x03intb\x7f\xff\xff\xff",
    b"\x83h\x03l\0\0\0\x02t\0\0\0\x01w\x01na\x02h\x02m\0\0\0\x01xk\0\x02\x01\x02jn\x06\0\0l\x50\xc4\xa0\x01b\0\x01\x51\x80",
    b"\x83i\0\0\0\x02o\0\0\0\x08\x01\0\0\0\0\0\0\0\x80h\x01h\x01h\x01h\x01h\x01l\0\0\0\x01jj",
    b"\x83t\0\0\0\x01m\0\0\0\x01fqd\0\x0dElixir.Stringd\0\x06upcasea\x01",
    b"\x83t\0\0\0\x01m\0\0\0\x01pXd\0\x0dnonode@nohost\0\0\0\x60\0\0\0\0\0\0\0\0",
];

/// The tags of the format, which random bytes would seldom hit.
const TAGS: &[u8] =
    &[70, 77, 80, 82, 88, 90, 97, 98, 99, 100, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 115, 116, 118, 119];

/// A generator of pseudo-random numbers (xorshift64*). Speed matters here, not secrecy.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        ((self.next() >> 33) % bound.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }
}

/// Changes the bytes in one way: another byte or tag, a piece removed, repeated, or taken from another term.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len());
    let end = (at + 1 + random.below(12)).min(bytes.len());
    match random.below(6) {
        0 | 1 => {
            let byte = random.next().to_le_bytes()[7];
            bytes[at..end].iter_mut().take(1).for_each(|place| *place = byte);
        }
        2 => bytes[at..end].iter_mut().take(1).for_each(|place| *place = TAGS[random.below(TAGS.len())]),
        3 => drop(bytes.drain(at..end)),
        4 if bytes.len() < 4096 => {
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
        _ => {
            if let Some(other) = random.pick(SEEDS) {
                bytes.truncate(at);
                bytes.extend_from_slice(&other[random.below(other.len())..]);
            }
        }
    }
}

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1).map(|argument| argument.parse::<u64>());
    let (Some(Ok(executions)), seed) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: fuzz_terms EXECUTIONS [SEED]");
        return ExitCode::FAILURE;
    };
    let mut random = Random(seed.and_then(Result::ok).unwrap_or(1).max(1));
    // Mutants that are still accepted are mutated further.
    let mut pool: Vec<Vec<u8>> = SEEDS.iter().map(|seed| seed.to_vec()).collect();
    let (mut accepted, started) = (0u64, Instant::now());
    let mut bytes = Vec::new();
    for _ in 0..executions {
        bytes.clear();
        bytes.extend_from_slice(random.pick(&pool).map_or(&[], Vec::as_slice));
        for _ in 0..=random.below(4) {
            mutate(&mut bytes, &mut random);
        }
        if decode_term(&bytes).is_ok() {
            accepted += 1;
            if pool.len() < 4096 {
                pool.push(bytes.clone());
            } else if bytes.len() < 512 {
                let place = random.below(pool.len());
                pool[place].clone_from(&bytes);
            }
        }
    }
    println!(
        "{executions} executions, {accepted} terms accepted, {:.1} s, no finding",
        started.elapsed().as_secs_f64()
    );
    ExitCode::SUCCESS
}
