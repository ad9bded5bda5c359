//! CSRF tokens, kept in the session.

// --- on the page ---
use subtle::ConstantTimeEq;
use waxseal::{
    axum::{Session, SessionError},
    engine,
};

/// The token of this session, for a hidden field of each form. The first call makes it.
pub async fn csrf_token(session: &Session) -> Result<String, SessionError> {
    if let Some(token) = session.get("csrf").await? {
        return Ok(token);
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| engine::SessionError::Random)?;
    let fresh = format!("{bytes:02x?}").replace(|c: char| !c.is_ascii_hexdigit(), "");
    // Two pages at once agree on the token of whichever is saved first.
    let same = fresh.clone();
    session.update("csrf", move |token: Option<String>| token.unwrap_or_else(|| same.clone()))?;
    if !session.save().await?.is_kept() {
        // The cookie's session has ended, or its key is unknown. What follows `sign_out` is a new session's.
        session.sign_out();
        session.insert("csrf", &fresh)?;
        let _ = session.save().await?;
    }
    Ok(session.get("csrf").await?.unwrap_or(fresh))
}

/// Whether a form's token is this session's.
pub async fn has_csrf_token(session: &Session, given: &str) -> Result<bool, SessionError> {
    let token: Option<String> = session.get("csrf").await?;
    Ok(token.is_some_and(|token| bool::from(token.as_bytes().ct_eq(given.as_bytes()))))
}
