//! Points in time, passed in by the caller: the core has no clock.

/// A point in time: milliseconds since the Unix epoch.
///
/// The core decides on whole seconds (see [`Timeouts`](crate::Timeouts)); milliseconds only make row ids sort by the
/// time of creation. All arithmetic saturates: a huge value is "never", not a panic (compare RUSTSEC-2017-0005).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_unix_ms(milliseconds: u64) -> Self {
        Self(milliseconds)
    }

    /// From whole seconds since the Unix epoch.
    pub const fn from_unix_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn unix_ms(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn unix_seconds(self) -> u64 {
        self.0 / 1000
    }

    /// This time, rounded down to a whole second.
    pub const fn whole_seconds(self) -> Self {
        Self::from_unix_seconds(self.unix_seconds())
    }

    /// This time, rounded down to a whole second, plus `seconds`.
    pub const fn plus_seconds(self, seconds: u64) -> Self {
        Self::from_unix_seconds(self.unix_seconds().saturating_add(seconds))
    }

    /// Whole seconds from `earlier` until this time; 0 if `earlier` is later.
    pub const fn seconds_since(self, earlier: Self) -> u64 {
        self.unix_seconds().saturating_sub(earlier.unix_seconds())
    }

    /// Whether this time has reached `end`. Compares whole seconds; equal times count as reached.
    pub const fn has_reached(self, end: Self) -> bool {
        self.unix_seconds() >= end.unix_seconds()
    }
}
