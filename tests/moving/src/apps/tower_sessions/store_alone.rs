//! The shop of before, with waxseal's store in place of its own.

use tower_sessions::SessionManagerLayer;
use waxseal::{HostedSessions, Sessions, tower::TowerSessionsStore014};

pub fn layer(sessions: Sessions) -> Result<SessionManagerLayer<TowerSessionsStore014>, Box<dyn std::error::Error>> {
    let store = TowerSessionsStore014::new(HostedSessions::new(sessions)?);
    Ok(SessionManagerLayer::new(store))
}
