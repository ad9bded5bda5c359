//! Poem's `ServerSession` as before, with waxseal's store in place of its own.

use poem::session::{CookieConfig, ServerSession};
use waxseal::{HostedSessions, Sessions, poem::PoemStorage};

pub fn middleware(sessions: Sessions) -> Result<ServerSession<PoemStorage>, Box<dyn std::error::Error>> {
    let storage = PoemStorage::new(HostedSessions::new(sessions)?);
    Ok(ServerSession::new(CookieConfig::new(), storage))
}
