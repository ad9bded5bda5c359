//! A value that requests overwrite: which values a read may give.

use super::NEVER;

#[derive(Clone, Copy, Debug)]
struct Write {
    by: u64,
    value: Option<u64>,
    start: u64,
    /// When it was acknowledged.
    done: u64,
}

/// All that was written to a note.
#[derive(Clone, Debug)]
pub(super) struct Notes(Vec<Write>);

impl Notes {
    /// A note that is not there yet.
    pub(super) fn new(at: u64) -> Self {
        Self(vec![Write { by: 0, value: None, start: at, done: at }])
    }

    /// A request tries to write a value.
    pub(super) fn attempted(&mut self, by: u64, value: Option<u64>, start: u64) {
        self.0.push(Write { by, value, start, done: NEVER });
    }

    /// What a request wrote is acknowledged.
    pub(super) fn acknowledged(&mut self, by: u64, done: u64) {
        for write in self.0.iter_mut().filter(|write| write.by == by) {
            write.done = done;
        }
    }

    /// Whether a read of `start..=end` may give this value: no acknowledged write lies wholly between it and the read.
    pub(super) fn allows(&self, value: Option<u64>, start: u64, end: u64) -> bool {
        let written = self.0.iter().filter(|write| write.value == value && write.start <= end);
        let hidden = |write: &Write| self.0.iter().any(|later| later.start > write.done && later.done < start);
        written.into_iter().any(|write| !hidden(write))
    }
}
