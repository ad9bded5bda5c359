//! A seed repeats itself: nothing but the seed decides what happens.

#![forbid(unsafe_code)]

use waxseal_simulation::{FAULTS, run};

#[test]
fn a_seed_gives_the_same_trace_again() {
    for seed in 0..12 {
        let (first, again) = (run(seed, None, false), run(seed, None, false));
        assert_eq!(first.hash, again.hash, "seed {seed}");
        assert_eq!(first.steps, again.steps, "seed {seed}");
        assert!(first.violation.is_none(), "seed {seed}: {:?}", first.violation);
    }
}

#[test]
fn another_seed_gives_another_trace() {
    assert_ne!(run(0, None, false).hash, run(1, None, false).hash);
}

#[test]
fn a_fault_is_found_again_in_the_same_seed() {
    let (fault, ..) = FAULTS[0];
    let (first, again) = (run(0, Some(fault), false), run(0, Some(fault), false));
    assert_eq!(first.hash, again.hash);
    assert_eq!(first.violation.map(|found| found.what), again.violation.map(|found| found.what));
}
