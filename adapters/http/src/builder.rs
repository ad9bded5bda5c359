//! How sessions are configured: every option, its default and its reason.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use waxseal_core::{Keyring, Protection, Timeouts, TimeoutsError};

use crate::{
    Adopt, Clock, CookieError, CookieOptions, OverLimit, Sessions, Store,
    engine::{Engine, Keeping},
    feed::LastFeed,
    metrics,
    queue::Queues,
    randomness::Randomness,
    time::Time,
    watch::Watchers,
};

/// Data over this size are refused unless the bound is raised, in encoded bytes.
const MAX_DATA_BYTES: usize = 64 * 1024;

/// How long a request waits for its session, unless set otherwise.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Which responses keep what their request did to the session (its data, sign-in and renewal). `destroy` and `sign_out` always
/// commit: nobody stays signed in because a page failed to render.
///
/// A sign-in commits only if the response is no error: with a status of 400 or more it is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommitPolicy {
    /// A 5xx response discards it. So does a 408, which middleware sends after it has cancelled a handler half-way. The old
    /// cookie stays valid. Every other status commits.
    #[default]
    DiscardOnServerError,
    /// Every response commits.
    Always,
}

impl CommitPolicy {
    pub(crate) fn commits(self, status: StatusCode) -> bool {
        self == Self::Always || !(status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT)
    }

    pub(crate) fn signs_in(self, status: StatusCode) -> bool {
        self == Self::Always || status.as_u16() < 400
    }
}

/// How to treat a row that is older than the cookie presented for it, in a database that answers with its newest state: a
/// restored backup, or an old row that somebody with write access put back. Either way it is logged as an `error` event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OlderRows {
    /// Treat it as no session: nobody can undo a change that the user's cookie already reflects.
    #[default]
    Refuse,
    /// Accept the session with its old data: for those who restore a backup and prefer old data to signing people out.
    Accept,
}

/// Why options were refused.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The timeouts are not valid.
    #[error("{0}")]
    Timeouts(#[from] TimeoutsError),
    /// The cookie's attributes are not valid.
    #[error("{0}")]
    Cookie(#[from] CookieError),
    /// A signed ticket can be read by the user, and in stateless mode it holds all data.
    #[error("stateless sessions keep all data in the cookie, so it must be sealed; use a store to have signed cookies")]
    StatelessSigned,
    /// A bound of no sessions would let nobody sign in.
    #[error(
        "a subject must be allowed at least one session; `max_sessions_per_subject(0, …)` would let nobody sign in"
    )]
    NoSessions,
    /// Sessions are counted by their rows, which stateless sessions do not have.
    #[error("stateless sessions cannot be counted; use a store to have `max_sessions_per_subject`")]
    StatelessLimit,
    /// An adopted session needs a row.
    #[error("stateless sessions cannot adopt others; use a store to have `adopt`")]
    StatelessAdoption,
    /// Removing the old system's cookie would remove ours.
    #[error("the old system's cookie has the same name as waxseal's, {0:?}; choose another name with `cookie`")]
    AdoptedName(String),
    /// In stateless mode the claims are all the data.
    #[error("stateless sessions keep all data in the ticket's claims; there is nothing to select with `claims`")]
    StatelessClaims,
}

/// The same as `Display`, because a `main` that returns an error prints it with `Debug`.
impl core::fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

/// Configures [`Sessions`]. Every option has a default that is safe for production.
#[must_use]
pub struct SessionsBuilder {
    keyring: Keyring,
    store: Option<Arc<dyn Store>>,
    cookie: CookieOptions,
    idle_timeout: Duration,
    lifetime: Duration,
    max_idle_timeout: Option<Duration>,
    max_lifetime: Option<Duration>,
    touch_interval: Option<Duration>,
    older_rows: OlderRows,
    cookie_protection: Protection,
    row_protection: Protection,
    claims: Vec<String>,
    cookie_aliases: Vec<String>,
    adopter: Option<Box<dyn Adopt>>,
    max_wait: Duration,
    max_data_bytes: usize,
    commit_policy: CommitPolicy,
    max_sessions: Option<(u32, OverLimit)>,
    time: Time,
    randomness: Randomness,
}

impl SessionsBuilder {
    pub(crate) fn new(keyring: Keyring, store: Option<Arc<dyn Store>>) -> Self {
        let timeouts = Timeouts::default();
        Self {
            keyring,
            store,
            cookie: CookieOptions::default(),
            idle_timeout: Duration::from_secs(timeouts.idle_s()),
            lifetime: Duration::from_secs(timeouts.lifetime_s()),
            max_idle_timeout: None,
            max_lifetime: None,
            touch_interval: None,
            older_rows: OlderRows::default(),
            cookie_protection: Protection::Sealed,
            row_protection: Protection::Sealed,
            claims: Vec::new(),
            cookie_aliases: Vec::new(),
            adopter: None,
            max_wait: MAX_WAIT,
            max_data_bytes: MAX_DATA_BYTES,
            commit_policy: CommitPolicy::default(),
            max_sessions: None,
            time: Time::of_the_machine(),
            randomness: Randomness::default(),
        }
    }

    /// A session ends when nobody has used it for this long. Default: 30 minutes. Whole seconds.
    pub fn idle_timeout(mut self, idle_timeout: Duration) -> Self {
        self.idle_timeout = idle_timeout;
        self
    }

    /// A session ends this long after its creation (or last sign-in), however much it is used. Default: 8 hours. Whole seconds.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// The longest lifetime that a [`SignIn`](crate::SignIn) may give a session, for example 30 days of "remember me". Default:
    /// the lifetime.
    ///
    /// This maximum and the next one are applied at every load: after a deploy that lowers one, older sessions obey it, too.
    pub fn max_lifetime(mut self, max: Duration) -> Self {
        self.max_lifetime = Some(max);
        self
    }

    /// The longest idle timeout that a [`SignIn`](crate::SignIn) may give a session. Default: the
    /// [`max_lifetime`](Self::max_lifetime) if that is set and is longer than the idle timeout, else the idle timeout.
    pub fn max_idle_timeout(mut self, max: Duration) -> Self {
        self.max_idle_timeout = Some(max);
        self
    }

    /// The idle expiry moves at most once in this interval, so that not every read costs a write. Default: one minute, or a tenth
    /// of the idle timeout if that is shorter. Whole seconds, less than the idle timeout.
    pub fn touch_interval(mut self, touch_interval: Duration) -> Self {
        self.touch_interval = Some(touch_interval);
        self
    }

    /// The cookie's name and attributes. Default: `__Host-session`, `Secure`, `HttpOnly`, `SameSite=Lax`, `Path=/`.
    pub fn cookie(mut self, cookie: CookieOptions) -> Self {
        self.cookie = cookie;
        self
    }

    /// How the cookie is protected. Default: sealed. With [`Protection::Signed`] **the browser's user can read** the session
    /// secret (which is their own), the subject and the claims. Opening takes about the same time.
    pub fn cookie_protection(mut self, protection: Protection) -> Self {
        self.cookie_protection = protection;
        self
    }

    /// How rows are protected. Default: sealed. With [`Protection::Signed`] **everyone who can read the database can read the
    /// data**, but nobody can change them unnoticed.
    pub fn row_protection(mut self, protection: Protection) -> Self {
        self.row_protection = protection;
        self
    }

    /// Keys of the data that are copied into the ticket, so that an edge can decide without the database. Default: none. They are
    /// sent with every request: keep them few and short.
    pub fn claims<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.claims = keys.into_iter().map(Into::into).collect();
        self
    }

    /// Former names of the cookie. Cookies with these names still open, and are issued again under the present name at their next
    /// use, so that renaming the cookie signs nobody out. Default: none.
    pub fn cookie_aliases<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.cookie_aliases = names.into_iter().map(Into::into).collect();
        self
    }

    /// Takes over the sessions that another system has made, so that nobody has to sign in again. Default: none.
    ///
    /// The new sessions have these timeouts, but never last longer than the old session would have.
    pub fn adopt(mut self, adopter: impl Adopt) -> Self {
        self.adopter = Some(Box::new(adopter));
        self
    }

    /// How long a request may wait for its session in total: for the database and for other requests. A request that waits longer
    /// gets a 503. Default: 10 seconds.
    pub fn max_wait(mut self, max: Duration) -> Self {
        self.max_wait = max;
        self
    }

    /// The maximum size of a session's data, in encoded bytes. Default: 64 KiB.
    pub fn max_data_bytes(mut self, max: usize) -> Self {
        self.max_data_bytes = max;
        self
    }

    /// What to do with a row that is older than its cookie. Default: refuse it.
    pub fn older_rows(mut self, policy: OlderRows) -> Self {
        self.older_rows = policy;
        self
    }

    /// Which responses commit. Default: all but 5xx and 408; see [`CommitPolicy`].
    pub fn commit_policy(mut self, policy: CommitPolicy) -> Self {
        self.commit_policy = policy;
        self
    }

    /// How many sessions a subject may have, and what happens at a sign-in that would make one too many. Default: any number.
    ///
    /// Sign-ins of one subject are counted one after another, on all nodes that share the database. With [`OverLimit::Refuse`], a
    /// sign-in too many is [`SessionError::TooManySessions`](crate::SessionError::TooManySessions): call
    /// [`Session::save`](crate::Session::save) after `sign_in` to handle it; otherwise the response is a 403.
    pub fn max_sessions_per_subject(mut self, max: u32, over: OverLimit) -> Self {
        self.max_sessions = Some((max, over));
        self
    }

    /// Where the time comes from. Default: the database if nodes share one, else the operating system. For tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.time = Time::given(Box::new(clock));
        self
    }

    /// Draws secrets, nonces and random waits from a simulation's seed. **Whoever knows the seed can sign in as anybody.**
    #[cfg(feature = "simulation")]
    pub fn simulated_randomness(mut self, fill: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        self.randomness = Randomness::simulated(fill);
        self
    }

    /// This node's own clock, corrected by the database's time. For tests with wrong clocks.
    #[cfg(feature = "simulation")]
    pub fn node_clock(mut self, clock: impl Clock) -> Self {
        self.time = Time::of_a_node(Box::new(clock));
        self
    }

    /// Builds the sessions. An error if an option is not valid or options contradict each other.
    pub fn build(self) -> Result<Sessions, ConfigError> {
        self.cookie.validate()?;
        if !self.cookie.is_secure() {
            let name = self.cookie.cookie_name();
            tracing::warn!(name, "the session cookie is sent over plain HTTP too: for development only");
        }
        for alias in &self.cookie_aliases {
            self.cookie.clone().name(alias.as_str()).validate()?;
        }
        let touch_interval = self.touch_interval.unwrap_or_else(|| Duration::from_secs(60).min(self.idle_timeout / 10));
        let max_lifetime = self.max_lifetime.unwrap_or(self.lifetime);
        let max_idle = self.max_idle_timeout.unwrap_or(self.idle_timeout.max(self.max_lifetime.unwrap_or_default()));
        let timeouts =
            Timeouts::new(self.idle_timeout, self.lifetime, touch_interval)?.with_maxima(max_idle, max_lifetime)?;
        if matches!(self.max_sessions, Some((0, _))) {
            return Err(ConfigError::NoSessions);
        }
        let mut old = self.adopter.iter().flat_map(|adopter| adopter.cookies());
        if let Some(old) = old.find(|old| old.name == self.cookie.cookie_name()) {
            return Err(ConfigError::AdoptedName(old.name));
        }
        drop(old);
        let keeping = match self.store {
            None if self.adopter.is_some() => return Err(ConfigError::StatelessAdoption),
            None if self.max_sessions.is_some() => return Err(ConfigError::StatelessLimit),
            #[cfg(feature = "metrics")]
            Some(store) => {
                let store = Arc::new(crate::store::Measured(store));
                Keeping::Rows { store, protection: self.row_protection, claims: self.claims }
            }
            #[cfg(not(feature = "metrics"))]
            Some(store) => Keeping::Rows { store, protection: self.row_protection, claims: self.claims },
            None if self.cookie_protection == Protection::Signed => return Err(ConfigError::StatelessSigned),
            None if !self.claims.is_empty() => return Err(ConfigError::StatelessClaims),
            None => Keeping::Stateless,
        };
        metrics::describe();
        Ok(Sessions(Arc::new(Engine {
            keyring: self.keyring,
            keeping,
            cookie: self.cookie,
            cookie_aliases: self.cookie_aliases,
            adopter: self.adopter,
            timeouts,
            older_rows: self.older_rows,
            cookie_protection: self.cookie_protection,
            max_data_bytes: self.max_data_bytes,
            max_wait: self.max_wait,
            commit_policy: self.commit_policy,
            max_sessions: self.max_sessions,
            time: self.time,
            randomness: self.randomness,
            queues: Queues::default(),
            ends: Queues::default(),
            devices: Queues::default(),
            watchers: Watchers::default(),
            feed: LastFeed::default(),
            in_flight: Engine::in_flight(),
        })))
    }
}
