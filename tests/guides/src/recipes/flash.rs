//! Messages for the next page.

use waxseal::axum::{Session, SessionError};

// --- on the page ---
/// Keeps a message for the next page that the user sees.
pub fn flash(session: &Session, message: &str) -> Result<(), SessionError> {
    let message = message.to_owned();
    session.update("flash", move |waiting: Option<Vec<String>>| {
        let mut waiting = waiting.unwrap_or_default();
        waiting.push(message.clone());
        let too_many = waiting.len().saturating_sub(10);
        waiting.split_off(too_many) // the last ten
    })
}

/// The messages that wait, for the page that shows them. They are removed.
pub async fn flashed(session: &Session) -> Result<Vec<String>, SessionError> {
    Ok(session.take("flash").await?.unwrap_or_default())
}
