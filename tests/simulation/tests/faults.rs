//! The simulation finds each deliberate fault. In how many seeds, `cargo xtask simulate --fault all` tells.

#![forbid(unsafe_code)]

use waxseal_simulation::{FAULTS, Fault, run};

/// In so many seeds each fault is found at least once.
const SEEDS: u64 = 400;

#[test]
fn every_fault_is_found() {
    for (fault, name, ..) in FAULTS {
        let found = (0..SEEDS).find(|seed| run(*seed, Some(*fault), false).violation.is_some());
        assert!(found.is_some(), "{name} is not found in {SEEDS} seeds");
    }
}

#[test]
fn faults_have_names_of_their_own() {
    for (fault, name, ..) in FAULTS {
        assert_eq!(Fault::named(name), Some(*fault));
        assert_eq!(fault.name(), *name);
    }
    assert!(FAULTS.len() >= 12);
}
