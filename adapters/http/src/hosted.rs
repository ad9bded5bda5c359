//! Sessions inside another session layer: the basis of the stores for Poem's `ServerSession`, tower-sessions and salvo-session.
//!
//! The host makes the id, the cookie and the decisions, and passes whole maps of data. The stored sessions are as safe as that
//! allows: the id is hashed, the row is sealed with a key derived from it, a save never inserts, and the core decides expiry.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use waxseal_core::{Data, Nonce, RowContext, RowId, Secret, Timestamp};
use zeroize::Zeroizing;

use crate::{
    Found, Outcome, Row, SessionError, Sessions, Store, StoreError, Touch, Update, Wanted,
    engine::{Engine, Keeping},
    session::settle::{Settled, Trace},
};

/// How often a save is repeated on a newer row.
const MAX_ATTEMPTS: u32 = 100;

/// Sessions under ids that a host chose. An id is at least 16 random bytes, secret, and kept only in the host's cookie. Cheap to
/// clone.
///
/// Their rows are in the same table as those of [`Sessions`], without a subject. The row id does not tell their age.
#[derive(Clone, Debug)]
pub struct HostedSessions(Sessions);

/// A host's session.
#[derive(Clone, Debug)]
pub struct Hosted {
    /// Its data.
    pub data: Data,
    /// When it ends unless it is saved before; whole seconds.
    pub expires_at: Timestamp,
}

/// What the host's id stands for.
struct Key {
    secret: Secret,
    row_id: RowId,
}

impl Key {
    fn of(id: &[u8]) -> Self {
        let hash = Zeroizing::new(<[u8; 32]>::from(
            Sha256::new().chain_update(b"waxseal/v1/hosted-id").chain_update(id).finalize(),
        ));
        let secret = Secret::from_bytes(*hash);
        // The host's id does not tell when it was made.
        let row_id = RowId::derive(&secret, Timestamp::from_unix_ms(0));
        Self { secret, row_id }
    }

    fn context(&self, row: &Row, generation: u64) -> RowContext<'static> {
        RowContext {
            row_id: self.row_id,
            generation,
            created_at: row.created_at,
            lifetime_s: row.lifetime_s,
            subject: None,
        }
    }
}

/// A live row, opened.
struct Live {
    row: Row,
    data: Data,
}

enum Behind {
    Live(Live),
    /// Ended, expired or unreadable: the id must not be used again.
    Ended,
    Nothing,
}

impl HostedSessions {
    /// Uses the store, keys, timeouts and bounds of `sessions`, but not their cookie. An error if they are stateless.
    pub fn new(sessions: Sessions) -> Result<Self, SessionError> {
        sessions.0.store("keeping the sessions of another layer")?;
        Ok(Self(sessions))
    }

    /// Loads the session of this id. `None` if it is unknown, ended or expired, or does not open.
    pub async fn load(&self, id: &[u8]) -> Result<Option<Hosted>, SessionError> {
        match self.behind(&Key::of(id)).await? {
            Behind::Live(Live { row, data }) => Ok(Some(Hosted { data, expires_at: row.expires_at })),
            Behind::Ended | Behind::Nothing => Ok(None),
        }
    }

    /// Makes a session. `false` if the id is in use, or was.
    ///
    /// It ends at `expires_at`, or without one after the idle timeout, and at the latest after the lifetime.
    pub async fn create(&self, id: &[u8], data: &Data, expires_at: Option<Timestamp>) -> Result<bool, SessionError> {
        self.insert(&Key::of(id), data, expires_at).await
    }

    /// Saves a session's data as a whole. Never inserts.
    ///
    /// - [`Outcome::Saved`]: the data changed and were saved.
    /// - [`Outcome::Touched`] or [`Outcome::Unchanged`]: the data are the same. The expiry moves later at most once per touch
    ///   interval, but moves earlier at once.
    /// - [`Outcome::Gone`]: there is no such session any more.
    pub async fn save(&self, id: &[u8], data: &Data, expires_at: Option<Timestamp>) -> Result<Outcome, SessionError> {
        let key = Key::of(id);
        for _ in 0..MAX_ATTEMPTS {
            let Behind::Live(live) = self.behind(&key).await? else { return Ok(Outcome::Gone) };
            if let Some(outcome) = self.replace(&key, &live, data, expires_at).await? {
                return Ok(outcome);
            }
        }
        Err(SessionError::Contended { attempts: MAX_ATTEMPTS })
    }

    /// Saves the session, or makes it if the id was never used: for hosts that do not tell the two apart. [`Outcome::Gone`] if
    /// the session was ended less than [`TOMBSTONE_S`](crate::TOMBSTONE_S) seconds ago.
    pub async fn put(&self, id: &[u8], data: &Data, expires_at: Option<Timestamp>) -> Result<Outcome, SessionError> {
        let key = Key::of(id);
        for _ in 0..MAX_ATTEMPTS {
            let done = match self.behind(&key).await? {
                Behind::Live(live) => self.replace(&key, &live, data, expires_at).await?,
                Behind::Ended => Some(Outcome::Gone),
                Behind::Nothing => self.insert(&key, data, expires_at).await?.then_some(Outcome::Created),
            };
            if let Some(outcome) = done {
                return Ok(outcome);
            }
        }
        Err(SessionError::Contended { attempts: MAX_ATTEMPTS })
    }

    /// Ends a session; `false` if there is none.
    pub async fn delete(&self, id: &[u8]) -> Result<bool, SessionError> {
        let (id, store) = (Key::of(id).row_id, self.store()?);
        self.engine().ready().await?;
        let was_there = matches!(store.load(Wanted::newest(id)).await?, Some(Found::Session(_)));
        store.end_many(&[id], self.engine().now()).await?;
        Ok(was_there)
    }

    /// Deletes expired rows, in batches. Returns how many.
    pub async fn delete_expired(&self) -> Result<u64, SessionError> {
        const BATCH: u32 = 500;
        self.engine().ready().await?;
        let mut deleted = 0;
        loop {
            let batch = self.store()?.delete_expired(self.engine().now(), BATCH).await?;
            deleted += batch;
            if batch < u64::from(BATCH) {
                return Ok(deleted);
            }
        }
    }

    /// The present time, from the sessions' clock.
    pub fn now(&self) -> Timestamp {
        self.engine().now()
    }

    fn engine(&self) -> &Engine {
        &self.0.0
    }

    fn store(&self) -> Result<&Arc<dyn Store>, SessionError> {
        self.engine().store("keeping the sessions of another layer")
    }

    async fn behind(&self, key: &Key) -> Result<Behind, SessionError> {
        self.engine().ready().await?;
        let row_id = key.row_id;
        let mut row = match self.store()?.load(Wanted::newest(row_id)).await {
            Ok(Some(Found::Session(row))) => row,
            Ok(Some(Found::Ended(_))) => return Ok(Behind::Ended),
            Ok(None) => return Ok(Behind::Nothing),
            Err(StoreError::Damaged(why)) => {
                tracing::error!(%row_id, why, "session row refused: it is damaged");
                return Ok(Behind::Ended);
            }
            Err(error) => return Err(error.into()),
        };
        let now = self.engine().now();
        if row.is_expired(now) || now.has_reached(self.deadline(&row)) {
            return Ok(Behind::Ended);
        }
        if row.id != row_id || row.subject.is_some() {
            tracing::error!(%row_id, "session row refused: its columns do not match a hosted session");
            return Ok(Behind::Ended);
        }
        let context = key.context(&row, row.generation);
        match self.engine().keyring.open_row_of_any_generation(&key.secret, &context, std::mem::take(&mut row.data)) {
            Ok(data) => Ok(Behind::Live(Live { row, data })),
            Err(reason) => {
                tracing::error!(%row_id, %reason, "session row refused");
                Ok(Behind::Ended)
            }
        }
    }

    fn deadline(&self, row: &Row) -> Timestamp {
        self.engine().timeouts.deadline(row.created_at, row.lifetime_s)
    }

    fn expires_at(&self, asked: Option<Timestamp>, now: Timestamp, deadline: Timestamp) -> Timestamp {
        asked
            .unwrap_or_else(|| self.engine().timeouts.expires_at(now, self.engine().timeouts.idle_s(), deadline))
            .min(deadline)
            .whole_seconds()
    }

    async fn insert(&self, key: &Key, data: &Data, expires_at: Option<Timestamp>) -> Result<bool, SessionError> {
        self.engine().check_size(data)?;
        self.engine().ready().await?;
        let now = self.engine().now();
        let mut row = Row {
            id: key.row_id,
            generation: 1,
            subject: None,
            label: None,
            created_at: now,
            lifetime_s: self.engine().timeouts.lifetime_s(),
            seen_at: now.whole_seconds(),
            expires_at: now,
            data: Vec::new(),
        };
        row.expires_at = self.expires_at(expires_at, now, self.deadline(&row));
        row.data = self.seal(key, &row, 1, data)?;
        let sealed = row.data.clone();
        match self.store()?.insert(row).await {
            Ok(()) => Ok(true),
            Err(StoreError::AlreadyExists) => Ok(false),
            Err(error) => {
                let trace = Trace::Update { id: key.row_id, generation: 1, data: sealed };
                match trace.settle(self.store()?, &error, self.engine().max_wait).await {
                    Settled::Landed => Ok(true),
                    Settled::NotLanded | Settled::Overwritten | Settled::Unknown => Err(error.into()),
                }
            }
        }
    }

    /// Replaces the data of a live session. `None` if its row was changed in between.
    async fn replace(
        &self,
        key: &Key,
        live: &Live,
        data: &Data,
        expires_at: Option<Timestamp>,
    ) -> Result<Option<Outcome>, SessionError> {
        let (row, now) = (&live.row, self.engine().now());
        let expires_at = self.expires_at(expires_at, now, self.deadline(row));
        let sooner = expires_at < row.expires_at;
        let touch_due = self.engine().timeouts.touch_due(now, row.seen_at, self.engine().timeouts.idle_s()) || sooner;
        let touch = touch_due.then(|| Touch { seen_at: now.whole_seconds(), expires_at });
        let generation = row.generation;
        if *data == live.data && !sooner {
            let Some(touch) = touch else { return Ok(Some(Outcome::Unchanged)) };
            let touched = self.store()?.touch(key.row_id, generation, touch).await?;
            return Ok(touched.then_some(Outcome::Touched));
        }
        self.engine().check_size(data)?;
        let sealed = self.seal(key, row, generation.saturating_add(1), data)?;
        let update = Update { id: key.row_id, generation, now, data: &sealed, label: None, touch };
        Ok(self.store()?.update(update).await?.then_some(Outcome::Saved))
    }

    fn seal(&self, key: &Key, row: &Row, generation: u64, data: &Data) -> Result<Vec<u8>, SessionError> {
        let protection = match &self.engine().keeping {
            Keeping::Rows { protection, .. } => *protection,
            Keeping::Stateless => return Err(SessionError::Stateless("keeping the sessions of another layer")),
        };
        let nonce = Nonce::random().map_err(|_| SessionError::Random)?;
        Ok(self.engine().keyring.write_row(&key.secret, &key.context(row, generation), data, protection, nonce)?)
    }
}
