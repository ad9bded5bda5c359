//! salvo-session as before, with waxseal's store in place of its own.

use salvo::session::SessionHandler;
use waxseal::{HostedSessions, Sessions, salvo::SaysionStore};

pub fn hoop(sessions: Sessions, secret: &[u8]) -> Result<SessionHandler<SaysionStore>, Box<dyn std::error::Error>> {
    let store = SaysionStore::new(HostedSessions::new(sessions)?);
    Ok(SessionHandler::builder(store, secret).save_unchanged(false).build()?)
}
