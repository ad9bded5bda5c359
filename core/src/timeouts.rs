//! When a session ends: idle timeout, lifetime and touch interval, as pure functions over unix seconds.

use core::time::Duration;

use crate::Timestamp;

/// The longest timeout that is accepted: 100 years, in seconds.
const LONGEST_S: u64 = 100 * 365 * 24 * 3600;

/// Idle timeout, lifetime and touch interval, in whole seconds.
///
/// A session ends when nobody used it for the *idle timeout*, and at the latest a *lifetime* after its creation,
/// whatever is done with it (OWASP Session Management Cheat Sheet, "Session Expiration": both are needed).
/// Activity moves the idle expiry forward, at most once per *touch interval*: a user who is active is never signed out
/// earlier than `idle - touch_interval` after the last request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    idle_s: u64,
    lifetime_s: u64,
    touch_interval_s: u64,
}

/// Why timeouts were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeoutsError {
    /// A timeout is under one second.
    #[error("the {0} must be at least one second")]
    TooShort(&'static str),
    /// A timeout is over 100 years.
    #[error("the {0} is over 100 years; choose a time after which a forgotten session may end")]
    TooLong(&'static str),
    /// The touch interval is not shorter than the idle timeout, so that active sessions would expire.
    #[error(
        "the touch interval ({touch_interval_s} s) must be shorter than the idle timeout ({idle_s} s), or active sessions expire between two touches"
    )]
    TouchInterval {
        /// The touch interval, in seconds.
        touch_interval_s: u64,
        /// The idle timeout, in seconds.
        idle_s: u64,
    },
}

impl Default for Timeouts {
    /// Idle 30 minutes, lifetime 8 hours, touched at most once a minute: the upper ends of the ranges that the OWASP
    /// Session Management Cheat Sheet names for applications of ordinary value.
    fn default() -> Self {
        Self { idle_s: 30 * 60, lifetime_s: 8 * 3600, touch_interval_s: 60 }
    }
}

impl Timeouts {
    /// Timeouts in whole seconds; parts of a second are dropped. An idle timeout over the lifetime is allowed and never
    /// reached. A touch interval of zero touches at every read.
    pub fn new(idle: Duration, lifetime: Duration, touch_interval: Duration) -> Result<Self, TimeoutsError> {
        let new =
            Self { idle_s: idle.as_secs(), lifetime_s: lifetime.as_secs(), touch_interval_s: touch_interval.as_secs() };
        for (seconds, name) in [(new.idle_s, "idle timeout"), (new.lifetime_s, "lifetime")] {
            if seconds == 0 {
                return Err(TimeoutsError::TooShort(name));
            }
            if seconds > LONGEST_S {
                return Err(TimeoutsError::TooLong(name));
            }
        }
        if new.touch_interval_s >= new.idle_s {
            return Err(TimeoutsError::TouchInterval { touch_interval_s: new.touch_interval_s, idle_s: new.idle_s });
        }
        Ok(new)
    }

    /// The idle timeout, in seconds.
    pub const fn idle_s(&self) -> u64 {
        self.idle_s
    }

    /// The lifetime, in seconds.
    pub const fn lifetime_s(&self) -> u64 {
        self.lifetime_s
    }

    /// The touch interval, in seconds.
    pub const fn touch_interval_s(&self) -> u64 {
        self.touch_interval_s
    }

    /// The idle expiry of a session used at `now`, never past its `deadline`.
    pub fn expires_at(&self, now: Timestamp, deadline: Timestamp) -> Timestamp {
        now.plus_seconds(self.idle_s).min(deadline)
    }

    /// Whether a session last seen at `seen_at` is due for a touch.
    pub fn touch_due(&self, now: Timestamp, seen_at: Timestamp) -> bool {
        now.seconds_since(seen_at) >= self.touch_interval_s.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(s: u64) -> Timestamp {
        Timestamp::from_unix_seconds(s)
    }

    fn timeouts(idle: u64, lifetime: u64, touch: u64) -> Result<Timeouts, TimeoutsError> {
        Timeouts::new(Duration::from_secs(idle), Duration::from_secs(lifetime), Duration::from_secs(touch))
    }

    #[test]
    fn idle_expiry_slides_but_never_past_the_deadline() {
        let t = timeouts(100, 250, 10).unwrap();
        let deadline = seconds(1000).plus_seconds(t.lifetime_s());
        assert_eq!(t.expires_at(seconds(1000), deadline), seconds(1100));
        assert_eq!(t.expires_at(seconds(1200), deadline), seconds(1250));
    }

    #[test]
    fn expired_at_equality_on_whole_seconds() {
        assert!(!Timestamp::from_unix_ms(1_099_999).has_reached(seconds(1100)));
        assert!(Timestamp::from_unix_ms(1_100_000).has_reached(seconds(1100)));
    }

    #[test]
    fn touch_is_due_once_per_interval_and_not_when_the_clock_went_back() {
        let t = timeouts(100, 1000, 10).unwrap();
        assert!(!t.touch_due(seconds(1009), seconds(1000)));
        assert!(t.touch_due(seconds(1010), seconds(1000)));
        assert!(!t.touch_due(seconds(900), seconds(1000)));
        let always = timeouts(100, 1000, 0).unwrap();
        assert!(!always.touch_due(seconds(1000), seconds(1000)), "a second touch in the same instant changes nothing");
        assert!(always.touch_due(seconds(1001), seconds(1000)));
    }

    #[test]
    fn huge_times_saturate() {
        let t = Timeouts::default();
        let end = Timestamp::from_unix_ms(u64::MAX);
        assert!(t.expires_at(end, end.plus_seconds(u64::MAX)) <= end.plus_seconds(u64::MAX));
        assert!(!seconds(5).has_reached(end.plus_seconds(u64::MAX)));
    }

    #[test]
    fn senseless_timeouts_are_refused() {
        assert_eq!(timeouts(0, 10, 0), Err(TimeoutsError::TooShort("idle timeout")));
        assert_eq!(timeouts(10, 0, 0), Err(TimeoutsError::TooShort("lifetime")));
        assert_eq!(timeouts(10, u64::MAX, 0), Err(TimeoutsError::TooLong("lifetime")));
        assert!(matches!(timeouts(10, 10, 10), Err(TimeoutsError::TouchInterval { .. })));
    }
}
