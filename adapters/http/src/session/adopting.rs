//! Adopting a session of another system: it gets one new row and cookie, however many requests present it at the same time.
//!
//! The new session's secret is derived from the old session's key and our root key. Its creation time is kept in a row of its
//! own, the *mark*. So two requests at once, or a request whose answer was lost and its repetition, get the same new session. The
//! mark outlives the session: an old cookie that is presented again later is refused, even if the old system cannot forget it.

use std::{sync::Arc, time::Duration};

use waxseal_core::{RowId, Secret, Terms, Ticket, Timestamp};

use crate::{
    Adopted, Found, Row, Session, SessionError, Store, StoreError, TOMBSTONE_S, Update, Wanted,
    engine::Keeping,
    metrics,
    session::{
        Behind, Live,
        load::{GRACE_S, Loaded},
    },
    subjects,
};

/// How often adoption is started again if another request is faster.
const ROUNDS: u32 = 3;

/// How long a mark lives if the old session has no end, in seconds: as long as browsers keep cookies.
const LONG_S: u64 = 400 * 24 * 3600;

/// The generation of a mark whose session is being made. A later one means that it was made.
const BEGUN: u64 = 1;

/// One adoption under way.
struct Adoption {
    key: Vec<u8>,
    secret: Secret,
    mark: RowId,
}

impl Session {
    /// What identifies the old session that the request presents.
    pub(super) fn old_key(&self) -> Option<Vec<u8>> {
        self.0.engine.adopter.as_ref()?.key(self.0.headers.as_ref()?)
    }

    /// Adopts the old session that the request presents, if it presents none of ours. The caller holds `busy`.
    pub(super) async fn adopt(&self) -> Result<(), SessionError> {
        let engine = &self.0.engine;
        let Keeping::Rows { store, .. } = &engine.keeping else { return Ok(()) };
        if self.tickets().len() > 0 || self.tickets().unknown_key || self.state().ended {
            return Ok(());
        }
        let Some(key) = self.old_key() else { return Ok(()) };
        let secret = engine.keyring.adoption_secret(&key).ok_or(SessionError::Random)?;
        let adoption = Adoption { mark: subjects::adopted(&key), key, secret };
        let session = self.clone();
        let store = store.clone();
        // A cancelled request must not leave half of it.
        self.run_to_the_end("adopt", async move {
            for _ in 0..ROUNDS {
                if session.try_to_adopt(&store, &adoption).await? {
                    return Ok(());
                }
            }
            Err(SessionError::Contended { attempts: ROUNDS })
        })
        .await
    }

    /// `false` if another request was faster: start again.
    async fn try_to_adopt(&self, store: &Arc<dyn Store>, adoption: &Adoption) -> Result<bool, SessionError> {
        let now = self.0.engine.now();
        let (created_at, adopted) = match store.load(Wanted::newest(adoption.mark)).await? {
            Some(Found::Session(mark)) => {
                // A request that was sent before the browser had the new cookie may still use the old one.
                if mark.generation > BEGUN && now.has_reached(mark.created_at.plus_seconds(GRACE_S)) {
                    return Ok(true);
                }
                (mark.created_at, None)
            }
            Some(Found::Ended(_)) => return Ok(true),
            None => {
                let Some(adopted) = self.old_session(store, adoption, now).await? else {
                    // Another request may have adopted and retired it since the mark was looked for.
                    return Ok(store.load(Wanted::newest(adoption.mark)).await?.is_none());
                };
                match store.insert(adoption.mark_of(&adopted, now)).await {
                    Ok(()) => (now, Some(adopted)),
                    Err(StoreError::AlreadyExists) => return Ok(false),
                    Err(error) => return Err(error.into()),
                }
            }
        };
        let id = RowId::derive(&adoption.secret, created_at);
        match store.load(Wanted::newest(id)).await? {
            Some(Found::Session(row)) => self.enter(adoption, row).map(|()| true),
            Some(Found::Ended(_)) => {
                self.state().behind = Behind::Gone;
                Ok(true)
            }
            None => {
                let adopted = match adopted {
                    Some(adopted) => adopted,
                    None => match self.old_session(store, adoption, now).await? {
                        Some(adopted) => adopted,
                        // As above: its row was not there yet, and the old session is not there any more.
                        None => return Ok(store.load(Wanted::newest(id)).await?.is_none()),
                    },
                };
                self.make(store, adoption, adopted, created_at).await
            }
        }
    }

    /// The old session, if it is live and its user's sessions were not ended recently.
    async fn old_session(
        &self,
        store: &Arc<dyn Store>,
        adoption: &Adoption,
        now: Timestamp,
    ) -> Result<Option<Adopted>, SessionError> {
        let Some(adopter) = &self.0.engine.adopter else { return Ok(None) };
        let Some(adopted) = adopter.load(&adoption.key, now).await.map_err(SessionError::Adoption)? else {
            return Ok(None);
        };
        if adopted.expires_at.is_some_and(|end| now.has_reached(end)) {
            return Ok(None);
        }
        if let Some(subject) = &adopted.subject {
            waxseal_core::check_subject(subject)?;
            let since = adopted.created_at.unwrap_or_default();
            if subjects::ended_since(store.as_ref(), subject, since).await? {
                tracing::warn!("a session of another system is not adopted: all sessions of its user were ended");
                return Ok(None);
            }
        }
        Ok(Some(adopted))
    }

    /// Makes the new session. `false` if another request has made it.
    async fn make(
        &self,
        store: &Arc<dyn Store>,
        adoption: &Adoption,
        adopted: Adopted,
        created_at: Timestamp,
    ) -> Result<bool, SessionError> {
        let engine = &self.0.engine;
        let Adopted { subject, data, expires_at, .. } = adopted;
        let default = engine.default_terms();
        let left_s = expires_at.map_or(u64::MAX, |end| end.seconds_since(created_at).max(1));
        let terms = Terms::new(
            Duration::from_secs(default.idle_s().min(left_s)),
            Duration::from_secs(default.lifetime_s().min(left_s)),
            default.is_persistent(),
        );
        let secret = adoption.secret.clone();
        let ticket = Ticket::issue(secret, created_at, terms, subject.as_deref(), engine.claims(&data))?;
        let (landed, row) = engine.prepare(ticket, None, data, engine.now())?;
        let (Some(row), Some(ticket)) = (row, landed.ticket) else { return Ok(true) };
        match store.insert(row).await {
            Ok(()) => {}
            Err(StoreError::AlreadyExists) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        let done =
            Update { id: adoption.mark, generation: BEGUN, now: engine.now(), data: &[], label: None, touch: None };
        let _ = store.update(done).await?;
        metrics::adopted();
        tracing::info!(row_id = %ticket.row_id(), "session of another system adopted");
        self.put_in_place(adoption, ticket, landed.live)?;
        Ok(true)
    }

    /// Uses the session that another request has made from the same old one.
    fn enter(&self, adoption: &Adoption, row: Row) -> Result<(), SessionError> {
        let engine = &self.0.engine;
        let default = engine.default_terms();
        let lifetime = Duration::from_secs(row.lifetime_s);
        let terms = Terms::new(Duration::from_secs(default.idle_s()).min(lifetime), lifetime, default.is_persistent());
        let secret = adoption.secret.clone();
        let ticket = Ticket::issue(secret, row.created_at, terms, row.subject.as_deref(), waxseal_core::Data::new())?;
        let ticket = engine.at_generation(ticket, row.generation);
        match engine.decide(&ticket, row.id, Some(Found::Session(row.clone())))? {
            Loaded::Live(live) => {
                let ticket = ticket.reissued(engine.now(), live.expires_at, engine.claims(&live.data));
                self.put_in_place(adoption, ticket, live)
            }
            _ => Ok(()),
        }
    }

    fn put_in_place(&self, adoption: &Adoption, ticket: Ticket, live: Live) -> Result<(), SessionError> {
        let engine = &self.0.engine;
        let now = engine.now();
        let cookie = engine.set_cookie(&ticket, now)?;
        let mut state = self.state();
        state.behind = Behind::Live(live);
        state.replaced = Some(ticket);
        state.cookie = Some(cookie);
        state.cookie_at = now;
        state.adopted = Some(adoption.key.clone());
        state.outdate();
        Ok(())
    }

    /// Retires the old session that this request has adopted or signed out of. What was saved stays saved, even if this fails.
    pub(super) async fn retire_adopted(&self) {
        let Some(key) = self.state().adopted.clone() else { return };
        let session = self.clone();
        let retired = self.run_to_the_end("retire", async move {
            let Some(adopter) = &session.0.engine.adopter else { return Ok(()) };
            adopter.retire(&key).await.map_err(SessionError::Adoption)
        });
        if let Err(error) = retired.await {
            tracing::error!(%error, "another system's session could not be ended in that system");
        }
    }
}

impl Adoption {
    /// The row that remembers this adoption for as long as the old cookie may be presented.
    fn mark_of(&self, adopted: &Adopted, now: Timestamp) -> Row {
        let least = now.plus_seconds(TOMBSTONE_S);
        let expires_at = adopted.expires_at.unwrap_or(now.plus_seconds(LONG_S)).max(least).plus_seconds(1);
        Row {
            id: self.mark,
            generation: BEGUN,
            subject: None,
            label: None,
            created_at: now,
            lifetime_s: expires_at.seconds_since(now),
            seen_at: now.whole_seconds(),
            expires_at: expires_at.whole_seconds(),
            data: Vec::new(),
        }
    }
}
