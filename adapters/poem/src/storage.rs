//! A storage for Poem's stock `ServerSession`: for applications that keep their handlers and switch the storage alone.

use std::{collections::BTreeMap, time::Duration};

use poem::{Result, error::InternalServerError, session::SessionStorage};
use serde_json::Value as Json;
use waxseal_http::{Data, HostedSessions, Outcome};

use crate::SessionError;

/// A storage for Poem's `ServerSession`: ids hashed, rows encrypted, expiry decided by the core.
///
/// A session that was purged or renewed while a request ran is not brought back for ten minutes, its changes are dropped (a
/// `tracing` event, not a 500). Saving equal entries moves the expiry at most once in the touch interval. The lifetime of the
/// [`Sessions`](waxseal_http::Sessions) bounds a session whatever `max_age` its cookie has: choose it to fit.
///
/// What the trait cannot express: **R7** beyond those ten minutes, for Poem does not tell a new session from a changed one; **R8**, for
/// the entries are saved as a whole (of two requests at once the later one's win; `update` on a [`Session`](crate::Session) does not
/// lose any); **R12**, for a renewal is a removal and an update, not one transaction; **R9** and **R14**, for the middleware does not save
/// where a handler returns `Err`, and knows of no discarding; R10 where nothing is changed, for then the middleware saves nothing
/// and the expiry does not slide; R1 and R11, for the cookie is Poem's: every id that it is sent costs a SELECT, and a save two
/// statements; R13 and R16 are the middleware's; no list of devices, for its session has no subject; and an edge cannot open Poem's
/// cookie. For these use [`SessionMiddleware`](crate::SessionMiddleware), with `with_poem_session` for handlers that stay as they are.
#[derive(Clone, Debug)]
pub struct PoemStorage(HostedSessions);

impl PoemStorage {
    /// A storage over the store, keys, timeouts and bounds of `sessions`; their cookie is not used.
    pub fn new(sessions: HostedSessions) -> Self {
        Self(sessions)
    }
}

impl SessionStorage for PoemStorage {
    async fn load_session<'a>(&'a self, id: &'a str) -> Result<Option<BTreeMap<String, Json>>> {
        let Some(hosted) = self.0.load(id.as_bytes()).await.map_err(SessionError)? else { return Ok(None) };
        let entry =
            |(key, value): (&str, _)| Ok((key.to_owned(), serde_json::to_value(value).map_err(InternalServerError)?));
        hosted.data.iter().map(entry).collect::<Result<_>>().map(Some)
    }

    async fn update_session<'a>(
        &'a self,
        id: &'a str,
        entries: &'a BTreeMap<String, Json>,
        expires: Option<Duration>,
    ) -> Result<()> {
        let mut data = Data::new();
        for (key, value) in entries {
            data.insert(key, value).map_err(|error| SessionError(error.into()))?;
        }
        let expires_at = expires.map(|after| self.0.now().plus_seconds(after.as_secs()));
        if self.0.put(id.as_bytes(), &data, expires_at).await.map_err(SessionError)? == Outcome::Gone {
            tracing::warn!("session ended while a request ran: its changes were dropped");
        }
        Ok(())
    }

    async fn remove_session<'a>(&'a self, id: &'a str) -> Result<()> {
        self.0.delete(id.as_bytes()).await.map_err(SessionError)?;
        Ok(())
    }
}
