//! How long one session lasts: its ticket carries these terms, so that they do not change with the configuration.

use core::time::Duration;

/// A session's own idle timeout and lifetime, and whether its cookie outlives the browser.
///
/// A session keeps its terms. The maxima that are configured when it is loaded still apply: see
/// [`Timeouts::deadline`](crate::Timeouts::deadline).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    pub(crate) idle_s: u64,
    pub(crate) lifetime_s: u64,
    pub(crate) persistent: bool,
}

impl Terms {
    /// Terms in whole seconds; fractions are dropped. [`Timeouts::check`](crate::Timeouts::check) tells whether they are within
    /// an application's bounds.
    pub const fn new(idle: Duration, lifetime: Duration, persistent: bool) -> Self {
        Self { idle_s: idle.as_secs(), lifetime_s: lifetime.as_secs(), persistent }
    }

    /// The same terms, with a cookie that outlives the browser or one that does not.
    #[must_use]
    pub const fn with_persistence(self, persistent: bool) -> Self {
        Self { persistent, ..self }
    }

    /// The idle timeout, in seconds.
    pub const fn idle_s(&self) -> u64 {
        self.idle_s
    }

    /// The lifetime, in seconds.
    pub const fn lifetime_s(&self) -> u64 {
        self.lifetime_s
    }

    /// Whether the cookie outlives the browser: it has a `Max-Age`.
    pub const fn is_persistent(&self) -> bool {
        self.persistent
    }
}
