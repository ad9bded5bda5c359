//! Asking for the password again before a dangerous action.

use waxseal::axum::{Session, SessionError};

// --- on the page ---
use waxseal::Timestamp;

/// For how many seconds a password that was entered again counts.
const CONFIRMED_S: u64 = 5 * 60;

/// Call it after the password was checked.
pub fn confirm(session: &Session, now: Timestamp) -> Result<(), SessionError> {
    session.renew(); // a new cookie for a new privilege
    session.insert("confirmed_at", now.unix_seconds())
}

/// Whether the user has entered the password lately. Ask it at the beginning of each dangerous action.
pub async fn is_confirmed(session: &Session, now: Timestamp) -> Result<bool, SessionError> {
    let at: Option<u64> = session.get("confirmed_at").await?;
    Ok(at.is_some_and(|at| now.unix_seconds().saturating_sub(at) < CONFIRMED_S))
}
