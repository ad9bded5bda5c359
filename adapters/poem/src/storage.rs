//! A storage for Poem's own `ServerSession`: for applications that keep their handlers and change only the storage.

use std::{collections::BTreeMap, time::Duration};

use poem::{Result, error::InternalServerError, session::SessionStorage};
use serde_json::Value as Json;
use waxseal_http::{Data, HostedSessions, Outcome};

use crate::SessionError;

/// A storage for Poem's `ServerSession`: ids are hashed, rows encrypted, and the core decides expiry.
///
/// A session that was purged or renewed while a request ran is not brought back for [`TOMBSTONE_S`](waxseal_http::TOMBSTONE_S)
/// seconds (15 minutes). The request's changes are dropped, with a `tracing` event and without a 500. Saving equal entries moves
/// the expiry at most once per touch interval. The lifetime of the [`Sessions`](waxseal_http::Sessions) bounds a session whatever
/// `max_age` its cookie has: choose it to fit.
///
/// The trait cannot express the following:
///
/// - **R7** after those 15 minutes: Poem does not tell a new session from a changed one.
/// - **R8**: the entries are saved as a whole, and of two requests at once those of the later one win. `update` on a
///   [`Session`](crate::Session) loses none.
/// - **R12**: a renewal is a removal and an update, not one transaction.
/// - **R9** and **R14**: the middleware does not save if a handler returns `Err`, and cannot discard changes.
/// - R10 if nothing is changed: the middleware then saves nothing, and the expiry does not move.
/// - R1 and R11: the cookie is Poem's. Every id that it receives costs a SELECT, and a save two statements.
/// - R13 and R16 are up to the middleware.
/// - There is no list of devices, because its session has no subject, and an edge cannot open Poem's cookie.
///
/// For these use [`SessionMiddleware`](crate::SessionMiddleware), with `with_poem_session` for handlers that stay as they are.
#[derive(Clone, Debug)]
pub struct PoemStorage(HostedSessions);

impl PoemStorage {
    /// Uses the store, keys, timeouts and bounds of `sessions`, but not their cookie.
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
