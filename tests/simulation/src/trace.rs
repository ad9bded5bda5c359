//! The trace: what happened, in order. Its hash shows that a seed repeats itself; its lines are printed when a seed is replayed.

use std::fmt::{self, Write};

/// The events of a run.
#[derive(Debug)]
pub(crate) struct Trace {
    prints: bool,
    hash: u64,
    line: String,
}

impl Trace {
    /// An empty trace; `prints` shows each event on standard output.
    pub(crate) fn new(prints: bool) -> Self {
        Self { prints, hash: 0xcbf2_9ce4_8422_2325, line: String::new() }
    }

    /// Records an event at a simulated time in milliseconds.
    pub(crate) fn event(&mut self, at_ms: u64, what: fmt::Arguments<'_>) {
        self.line.clear();
        let written = write!(self.line, "{:>10}.{:03}  {what}", at_ms / 1000, at_ms % 1000);
        debug_assert!(written.is_ok());
        for byte in self.line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        if self.prints {
            println!("{}", self.line);
        }
    }

    /// The hash of all events (FNV-1a).
    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }

    /// Whether events are printed.
    pub(crate) const fn prints(&self) -> bool {
        self.prints
    }
}
