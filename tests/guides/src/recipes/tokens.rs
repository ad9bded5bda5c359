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
    session.update("csrf", move |token: Option<String>| token.unwrap_or_else(|| fresh.clone()))?;
    let _ = session.save().await?;
    let token = session.get("csrf").await?;
    Ok(token.ok_or(engine::SessionError::NotSignedIn)?) // signed out meanwhile
}

/// Whether a form's token is this session's.
pub async fn has_csrf_token(session: &Session, given: &str) -> Result<bool, SessionError> {
    let token: Option<String> = session.get("csrf").await?;
    Ok(token.is_some_and(|token| bool::from(token.as_bytes().ct_eq(given.as_bytes()))))
}
