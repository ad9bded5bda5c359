//! A store for salvo-session's own `SessionHandler`: for applications that keep their handlers and change only the store.

use std::collections::BTreeMap;

use salvo_core::async_trait;
use salvo_session::{Session, SessionStore};
use serde_json::json;
use time::OffsetDateTime;
use waxseal_http::{Hosted, HostedSessions, Outcome, Timestamp};

/// A store for `salvo-session` 1.1 (saysion 0.2): ids are hashed, rows encrypted, and the core decides expiry.
///
/// Saves never insert: a session that was destroyed while a request ran is not brought back. The request's changes are dropped,
/// with a `tracing` event and without a 500. Saving an equal session moves its expiry at most once per touch interval. The
/// lifetime of the [`Sessions`](waxseal_http::Sessions) bounds a session whatever `session_ttl` the handler has: choose it to
/// fit. The handler saves a session for every visitor unless it has `.save_unchanged(false)`.
///
/// The trait cannot express the following:
///
/// - **R8**: a session is saved as a whole, and of two requests at once the later one's session wins. `update` on a `Session` of
///   waxseal loses nothing.
/// - **R12**: `regenerate` makes a new id without naming the old one, whose session lives on until it expires. `destroy` it, or
///   use [`SessionHoop`](crate::SessionHoop), whose `sign_in` renews in one transaction.
/// - **R9** and **R14**: the handler decides the response, and cannot discard changes.
/// - R1 and R11: the cookie is the handler's. Every cookie with a valid signature costs a SELECT, and a save two statements.
/// - R13 and R16 are up to the handler.
/// - There is no list of devices, because a session has no subject, and an edge cannot open the handler's cookie.
/// - `clear_store` is refused, because a store cannot tell whose rows are in its table.
#[derive(Clone, Debug)]
pub struct SaysionStore(HostedSessions);

impl SaysionStore {
    /// Uses the store, keys, timeouts and bounds of `sessions`, but not their cookie.
    pub fn new(sessions: HostedSessions) -> Self {
        Self(sessions)
    }
}

type Result<T = (), E = anyhow::Error> = std::result::Result<T, E>;

/// A session as saysion reads it back.
fn session(id: &str, hosted: &Hosted) -> Result<Session> {
    let data: BTreeMap<&str, String> =
        hosted.data.iter().map(|(key, value)| Ok((key, serde_json::to_string(value)?))).collect::<Result<_>>()?;
    let expiry = OffsetDateTime::from_unix_timestamp(hosted.expires_at.unix_seconds().try_into()?)?;
    Ok(serde_json::from_value(json!({ "id": id, "expiry": expiry, "data": data }))?)
}

#[async_trait]
impl SessionStore for SaysionStore {
    async fn load_session(&self, cookie_value: String) -> Result<Option<Session>> {
        // A value that is not an id was not made by the handler: no session.
        let Ok(id) = Session::id_from_cookie_value(&cookie_value) else { return Ok(None) };
        self.0.load(id.as_bytes()).await?.map(|hosted| session(&id, &hosted)).transpose()
    }

    async fn store_session(&self, session: Session) -> Result<Option<String>> {
        let id = session.id().to_owned();
        let data = crate::saysion::data(&crate::saysion::entries(&session)?)?;
        let expiry =
            |time: &OffsetDateTime| Timestamp::from_unix_seconds(time.unix_timestamp().try_into().unwrap_or(0));
        let expires_at = session.expiry().map(expiry);
        // Only a new session has its cookie's value.
        match session.into_cookie_value() {
            Some(cookie_value) => {
                anyhow::ensure!(
                    self.0.create(id.as_bytes(), &data, expires_at).await?,
                    "a session of this id exists already"
                );
                Ok(Some(cookie_value))
            }
            None => {
                if self.0.save(id.as_bytes(), &data, expires_at).await? == Outcome::Gone {
                    tracing::warn!("session ended while a request ran: its changes were dropped");
                }
                Ok(None)
            }
        }
    }

    async fn destroy_session(&self, session: Session) -> Result {
        self.0.delete(session.id().as_bytes()).await?;
        Ok(())
    }

    async fn clear_store(&self) -> Result {
        anyhow::bail!("this store does not end all sessions at once; DELETE FROM waxseal_sessions")
    }
}
