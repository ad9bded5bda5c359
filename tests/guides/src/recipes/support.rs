//! Support staff who see the application as a user does.

use std::time::Duration;

use waxseal::{
    SignIn,
    axum::{Session, SessionError, SignedIn},
};

// --- on the page ---
/// Makes the administrator's session one of the user's, for a quarter of an hour. First check the role, and write to the audit log.
pub fn impersonate(administrator: &SignedIn, user: &str) -> Result<(), SessionError> {
    let session = &administrator.session;
    let quarter = SignIn::new().lifetime(Duration::from_secs(15 * 60)).until_browser_closes();
    session.sign_in_with(user, quarter)?; // the administrator's own session ends with this
    session.insert("impersonated_by", &administrator.subject)?;
    session.set_label(&format!("Support ({})", administrator.subject)); // the user sees it among their devices
    Ok(())
}

/// Which administrator is behind this session, if any. Ask it before everything that only the user may do.
pub async fn impersonator(session: &Session) -> Result<Option<String>, SessionError> {
    session.get("impersonated_by").await
}
