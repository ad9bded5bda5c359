//! When a session ends: idle timeout, lifetime, their bounds and the touch interval, as pure functions over unix seconds.

use core::time::Duration;

use crate::{Terms, Timestamp};

/// The longest timeout that is accepted: 100 years, in seconds.
const LONGEST_S: u64 = 100 * 365 * 24 * 3600;

/// An application's idle timeout, lifetime and touch interval, in whole seconds, and the maxima for sessions with other times.
///
/// A session ends when nobody has used it for the *idle timeout*, and at the latest one *lifetime* after its creation, however
/// much it is used (OWASP Session Management Cheat Sheet, "Session Expiration": both are needed). Activity moves the idle expiry
/// forward, at most once per *touch interval*: a user who is active is never signed out earlier than `idle - touch_interval`
/// after the last request.
///
/// A new session gets the application's idle timeout and lifetime, or [`Terms`] of its own within the maxima. It keeps them, but
/// the maxima are applied at every load: after a deploy that lowers them, older sessions end sooner, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    idle_s: u64,
    lifetime_s: u64,
    touch_interval_s: u64,
    max_idle_s: u64,
    max_lifetime_s: u64,
}

/// Why timeouts were refused.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeoutsError {
    /// A timeout is under one second.
    #[error("the {0} must be at least one second")]
    TooShort(&'static str),
    /// A timeout is over 100 years.
    #[error("the {0} is over 100 years; choose a shorter time")]
    TooLong(&'static str),
    /// The touch interval is not shorter than the idle timeout: active sessions would expire.
    #[error(
        "the touch interval ({touch_interval_s} s) must be shorter than the idle timeout ({idle_s} s), or active sessions expire between two touches"
    )]
    TouchInterval {
        /// The touch interval, in seconds.
        touch_interval_s: u64,
        /// The idle timeout, in seconds.
        idle_s: u64,
    },
    /// A time is over its configured maximum.
    #[error("the {what} of {seconds} s exceeds the maximum of {max_s} s; raise `{option}`, or use a shorter time")]
    OverMaximum {
        /// Which time.
        what: &'static str,
        /// The time, in seconds.
        seconds: u64,
        /// The bound, in seconds.
        max_s: u64,
        /// The option that sets the bound.
        option: &'static str,
    },
}

/// The same as `Display`, because a `main` that returns an error prints it with `Debug`.
impl core::fmt::Debug for TimeoutsError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

impl Default for Timeouts {
    /// Idle 30 minutes, lifetime 8 hours, touched at most once a minute: the upper ends of the ranges that the OWASP
    /// Session Management Cheat Sheet names for applications of ordinary value.
    fn default() -> Self {
        let (idle_s, lifetime_s) = (30 * 60, 8 * 3600);
        Self { idle_s, lifetime_s, touch_interval_s: 60, max_idle_s: idle_s, max_lifetime_s: lifetime_s }
    }
}

impl Timeouts {
    /// Timeouts in whole seconds; fractions are dropped. An idle timeout over the lifetime is allowed and never reached. With a
    /// touch interval of zero, a session is touched at every read, at most once a second.
    pub fn new(idle: Duration, lifetime: Duration, touch_interval: Duration) -> Result<Self, TimeoutsError> {
        let (idle_s, lifetime_s) = (idle.as_secs(), lifetime.as_secs());
        let touch_interval_s = touch_interval.as_secs();
        check_range(idle_s, "idle timeout")?;
        check_range(lifetime_s, "lifetime")?;
        if touch_interval_s >= idle_s {
            return Err(TimeoutsError::TouchInterval { touch_interval_s, idle_s });
        }
        Ok(Self { idle_s, lifetime_s, touch_interval_s, max_idle_s: idle_s, max_lifetime_s: lifetime_s })
    }

    /// Sets the maxima for sessions with other times. An error if one is less than the idle timeout or the lifetime.
    pub fn with_maxima(self, max_idle: Duration, max_lifetime: Duration) -> Result<Self, TimeoutsError> {
        let new = Self { max_idle_s: max_idle.as_secs(), max_lifetime_s: max_lifetime.as_secs(), ..self };
        check_range(new.max_idle_s, "longest idle timeout")?;
        check_range(new.max_lifetime_s, "longest lifetime")?;
        new.check(new.terms())?;
        Ok(new)
    }

    /// The terms of a session without terms of its own: the idle timeout, the lifetime, and a cookie that outlives the browser.
    pub const fn terms(&self) -> Terms {
        Terms { idle_s: self.idle_s, lifetime_s: self.lifetime_s, persistent: true }
    }

    /// Returns the terms if each time is at least one second and within its maximum.
    pub fn check(&self, terms: Terms) -> Result<Terms, TimeoutsError> {
        // The lifetime first: if its maximum is raised, the one of the idle timeout follows.
        let times = [
            (terms.lifetime_s, self.max_lifetime_s, "lifetime", "max_lifetime"),
            (terms.idle_s, self.max_idle_s, "idle timeout", "max_idle_timeout"),
        ];
        for (seconds, max_s, what, option) in times {
            check_range(seconds, what)?;
            if seconds > max_s {
                return Err(TimeoutsError::OverMaximum { what, seconds, max_s, option });
            }
        }
        Ok(terms)
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

    /// The longest idle timeout that a session may have, in seconds.
    pub const fn max_idle_s(&self) -> u64 {
        self.max_idle_s
    }

    /// The longest lifetime that a session may have, in seconds.
    pub const fn max_lifetime_s(&self) -> u64 {
        self.max_lifetime_s
    }

    /// When a session that was created at `created_at` ends, however much it is used. The present maximum applies to its
    /// lifetime.
    pub const fn deadline(&self, created_at: Timestamp, lifetime_s: u64) -> Timestamp {
        created_at.plus_seconds(least(lifetime_s, self.max_lifetime_s))
    }

    /// The idle expiry of a session that is used at `now`, never past its `deadline`. The present maximum applies to its idle
    /// timeout.
    pub fn expires_at(&self, now: Timestamp, idle_s: u64, deadline: Timestamp) -> Timestamp {
        now.plus_seconds(least(idle_s, self.max_idle_s)).min(deadline)
    }

    /// The idle expiry `expires_at`, stored when the session was last used at `seen_at`, under the present maximum.
    pub fn bounded_expiry(&self, seen_at: Timestamp, expires_at: Timestamp) -> Timestamp {
        expires_at.min(seen_at.plus_seconds(self.max_idle_s))
    }

    /// Whether a session that was last seen at `seen_at` is due for a touch. If its idle timeout is not longer than the touch
    /// interval, the interval is a tenth of the idle timeout, and at least one second.
    pub fn touch_due(&self, now: Timestamp, seen_at: Timestamp, idle_s: u64) -> bool {
        let idle_s = least(idle_s, self.max_idle_s);
        let interval = if self.touch_interval_s < idle_s { self.touch_interval_s } else { idle_s / 10 };
        now.seconds_since(seen_at) >= interval.max(1)
    }
}

const fn least(a: u64, b: u64) -> u64 {
    if a < b { a } else { b }
}

fn check_range(seconds: u64, what: &'static str) -> Result<(), TimeoutsError> {
    match seconds {
        0 => Err(TimeoutsError::TooShort(what)),
        1..=LONGEST_S => Ok(()),
        _ => Err(TimeoutsError::TooLong(what)),
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
        assert_eq!(t.expires_at(seconds(1000), 100, deadline), seconds(1100));
        assert_eq!(t.expires_at(seconds(1200), 100, deadline), seconds(1250));
    }

    #[test]
    fn expired_at_equality_on_whole_seconds() {
        assert!(!Timestamp::from_unix_ms(1_099_999).has_reached(seconds(1100)));
        assert!(Timestamp::from_unix_ms(1_100_000).has_reached(seconds(1100)));
    }

    #[test]
    fn touch_is_due_once_per_interval_and_not_when_the_clock_went_back() {
        let t = timeouts(100, 1000, 10).unwrap();
        assert!(!t.touch_due(seconds(1009), seconds(1000), 100));
        assert!(t.touch_due(seconds(1010), seconds(1000), 100));
        assert!(!t.touch_due(seconds(900), seconds(1000), 100));
        let always = timeouts(100, 1000, 0).unwrap();
        assert!(
            !always.touch_due(seconds(1000), seconds(1000), 100),
            "a second touch in the same instant changes nothing"
        );
        assert!(always.touch_due(seconds(1001), seconds(1000), 100));
    }

    #[test]
    fn huge_times_saturate() {
        let t = Timeouts::default();
        let end = Timestamp::from_unix_ms(u64::MAX);
        assert!(t.expires_at(end, u64::MAX, end.plus_seconds(u64::MAX)) <= end.plus_seconds(u64::MAX));
        assert!(!seconds(5).has_reached(end.plus_seconds(u64::MAX)));
    }

    #[test]
    fn senseless_timeouts_are_refused() {
        assert_eq!(timeouts(0, 10, 0), Err(TimeoutsError::TooShort("idle timeout")));
        assert_eq!(timeouts(10, 0, 0), Err(TimeoutsError::TooShort("lifetime")));
        assert_eq!(timeouts(10, u64::MAX, 0), Err(TimeoutsError::TooLong("lifetime")));
        assert!(matches!(timeouts(10, 10, 10), Err(TimeoutsError::TouchInterval { .. })));
    }

    #[test]
    fn a_session_keeps_its_terms_within_the_bounds_of_now() {
        let day = 24 * 3600;
        let generous = timeouts(14 * day, 30 * day, 60).unwrap();
        let strict = timeouts(900, 8 * 3600, 60).unwrap();
        let (old, created) = (generous.terms(), seconds(1000));
        assert_eq!(strict.deadline(created, old.lifetime_s()), seconds(1000 + 8 * 3600));
        assert_eq!(strict.expires_at(created, old.idle_s(), seconds(u64::MAX)), seconds(1900));
        assert_eq!(strict.bounded_expiry(created, seconds(1000 + 14 * day)), seconds(1900));
        let new = strict.terms();
        assert_eq!(generous.deadline(created, new.lifetime_s()), strict.deadline(created, new.lifetime_s()));
    }

    #[test]
    fn terms_over_the_bounds_are_refused_by_name() {
        let strict = timeouts(900, 8 * 3600, 60).unwrap();
        let month = Duration::from_secs(30 * 24 * 3600);
        let remembered = Terms::new(month, month, true);
        let error = strict.check(remembered).unwrap_err();
        assert!(matches!(error, TimeoutsError::OverMaximum { option: "max_lifetime", .. }));
        let long = strict.with_maxima(Duration::from_secs(900), month).unwrap();
        let error = long.check(remembered).unwrap_err();
        assert!(matches!(error, TimeoutsError::OverMaximum { option: "max_idle_timeout", .. }));
        let bounded = strict.with_maxima(month, month).unwrap();
        assert_eq!(bounded.check(remembered), Ok(remembered));
        assert!(strict.with_maxima(Duration::from_secs(899), month).is_err(), "under the idle timeout");
        assert!(bounded.check(Terms::new(month, Duration::ZERO, true)).is_err());
    }

    #[test]
    fn a_short_idle_timeout_is_touched_in_time() {
        let t = timeouts(1800, 28_800, 60).unwrap();
        assert!(t.touch_due(seconds(1003), seconds(1000), 30));
        assert!(!t.touch_due(seconds(1002), seconds(1000), 30));
    }
}
