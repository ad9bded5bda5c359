//! Metrics for Prometheus and the like (feature `metrics`). Without the feature, nothing is counted.
//!
//! Names and units follow the Prometheus conventions. `docs/operating.md` lists them, with the alerts worth having.

#[cfg_attr(not(feature = "metrics"), path = "nowhere.rs")]
mod recorder;

use waxseal_core::TicketError;

use crate::{Outcome, SessionError};

const REQUESTS: &str = "waxseal_requests_total";
const REFUSED: &str = "waxseal_cookies_refused_total";
const SAVES: &str = "waxseal_saves_total";
const CONFLICTS: &str = "waxseal_conflicts_total";
const FAILURES: &str = "waxseal_failures_total";
const STORE_CALLS: &str = "waxseal_store_call_duration_seconds";
const ADOPTED: &str = "waxseal_adopted_total";
const CLOCK: &str = "waxseal_clock_ahead_seconds";
const CACHE_READS: &str = "waxseal_cache_reads_total";
const CACHE_LISTENING: &str = "waxseal_cache_listening";
const CACHE_STALENESS: &str = "waxseal_cache_staleness_seconds";

/// Describes each metric to the recorder, when the sessions are built.
pub(crate) fn describe() {
    recorder::describe_count(REQUESTS, "Requests that used their session, by what it was.");
    recorder::describe_count(REFUSED, "Session cookies that were refused, by reason.");
    recorder::describe_count(SAVES, "Saves of a session, by outcome.");
    recorder::describe_count(CONFLICTS, "Saves that met newer data and were tried again.");
    recorder::describe_count(FAILURES, "Requests that the session layer failed, by what was tried.");
    recorder::describe_time(STORE_CALLS, "Time of the store's calls, by call and result.");
    recorder::describe_count(ADOPTED, "Sessions of another system that were adopted.");
    recorder::describe_level(CLOCK, "How far this node's clock is ahead of the database's, in seconds.");
    recorder::describe_count(CACHE_READS, "Reads of the session cache, by result.");
    recorder::describe_level(CACHE_LISTENING, "1 while the cache hears of the database's changes, else 0.");
    recorder::describe_level(CACHE_STALENESS, "How old a cached row may be, as last proved, in seconds.");
}

/// A request used its session, which is `live`, `new`, `ended` or `adopted`.
pub(crate) fn request(session: &'static str) {
    recorder::count(REQUESTS, &[("session", session)]);
}

/// A session cookie was refused.
pub(crate) fn refused(reason: &TicketError) {
    let reason = match reason {
        TicketError::Malformed => "malformed",
        TicketError::UnknownKey(_) => "unknown_key",
        TicketError::Forged => "forged",
        TicketError::Expired => "expired",
        TicketError::NotYetValid => "not_yet_valid",
        _ => "other",
    };
    recorder::count(REFUSED, &[("reason", reason)]);
}

/// An authentic session cookie was refused: it is of the other kind (stateless, or with a row), or expired under the present
/// maxima.
pub(crate) fn refused_by_policy() {
    recorder::count(REFUSED, &[("reason", "policy")]);
}

/// A session was saved, or saving failed.
pub(crate) fn save(saved: &Result<Outcome, SessionError>) {
    let outcome = match saved {
        Ok(outcome) => outcome.name(),
        Err(error) if error.status().is_server_error() => "failed",
        Err(_) => "rejected",
    };
    recorder::count(SAVES, &[("outcome", outcome)]);
}

/// A save met newer data.
pub(crate) fn conflict() {
    recorder::count(CONFLICTS, &[]);
}

/// The session layer failed a request. Counted once per request.
pub(crate) fn failure(tried: &'static str) {
    recorder::count(FAILURES, &[("tried", tried)]);
}

/// A call of the store ended.
#[cfg(feature = "metrics")]
pub(crate) fn store_call(call: &'static str, result: &'static str, took: std::time::Duration) {
    recorder::time(STORE_CALLS, &[("call", call), ("result", result)], took);
}

/// A session of another system was adopted.
pub(crate) fn adopted() {
    recorder::count(ADOPTED, &[]);
}

/// How far this node's clock is ahead of the database's, in milliseconds.
pub(crate) fn clock_ahead(ms: i64) {
    recorder::level(CLOCK, ms as f64 / 1000.0);
}

/// The cache answered, or could not.
#[cfg(feature = "cache")]
pub(crate) fn cache_read(hit: bool) {
    recorder::count(CACHE_READS, &[("result", if hit { "hit" } else { "miss" })]);
}

/// How old a cached row may be, as the last ping has just proved. `None` while no changes are received from the database.
#[cfg(feature = "cache")]
pub(crate) fn cache_staleness(age: Option<std::time::Duration>) {
    recorder::level(CACHE_LISTENING, if age.is_some() { 1.0 } else { 0.0 });
    if let Some(age) = age {
        recorder::level(CACHE_STALENESS, age.as_secs_f64());
    }
}
