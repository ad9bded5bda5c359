//! Times of a sign-in that differ from the configured ones: "remember me".

use std::time::Duration;

use waxseal_core::{Terms, Timeouts, TimeoutsError};

/// The times of a session that begins with a sign-in, if they differ from the configured ones.
///
/// The times must be within [`max_lifetime`](crate::SessionsBuilder::max_lifetime) and
/// [`max_idle_timeout`](crate::SessionsBuilder::max_idle_timeout). The session keeps them through touches and renewals.
///
/// ```
/// use std::time::Duration;
/// use waxseal_http::{Session, SessionError, SignIn};
///
/// fn signed_in(session: &Session, user: &str, remember_me: bool) -> Result<(), SessionError> {
///     if remember_me {
///         session.sign_in_with(user, SignIn::new().remember(Duration::from_secs(30 * 24 * 3600)))
///     } else {
///         session.sign_in(user)
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "pass it to `Session::sign_in_with`"]
pub struct SignIn {
    lifetime: Option<Duration>,
    idle_timeout: Option<Duration>,
    persistent: Option<bool>,
}

impl SignIn {
    /// The configured times.
    pub const fn new() -> Self {
        Self { lifetime: None, idle_timeout: None, persistent: None }
    }

    /// "Remember me": the session lasts for this long, used or not, and its cookie outlives the browser. Whole seconds.
    pub const fn remember(self, lifetime: Duration) -> Self {
        Self { lifetime: Some(lifetime), idle_timeout: Some(lifetime), persistent: Some(true) }
    }

    /// The session ends this long after the sign-in, however much it is used. Whole seconds.
    pub const fn lifetime(self, lifetime: Duration) -> Self {
        Self { lifetime: Some(lifetime), ..self }
    }

    /// The session ends after nobody has used it for this long. Whole seconds.
    pub const fn idle_timeout(self, idle_timeout: Duration) -> Self {
        Self { idle_timeout: Some(idle_timeout), ..self }
    }

    /// The browser drops the cookie when it closes: for a shared computer.
    pub const fn until_browser_closes(self) -> Self {
        Self { persistent: Some(false), ..self }
    }

    /// The terms of this sign-in. Times that it does not set are taken from `default`.
    pub(crate) fn terms(self, default: Terms, timeouts: &Timeouts) -> Result<Terms, TimeoutsError> {
        timeouts.check(Terms::new(
            self.idle_timeout.unwrap_or(Duration::from_secs(default.idle_s())),
            self.lifetime.unwrap_or(Duration::from_secs(default.lifetime_s())),
            self.persistent.unwrap_or(default.is_persistent()),
        ))
    }
}
