//! The feed of ended sessions that an edge fetches: made at most once a second, however many ask.

use std::{sync::Arc, time::Duration};

use tokio::sync::Mutex;
use waxseal_core::{Feed, RowId, Timestamp};

use crate::{SessionError, Sessions, TOMBSTONE_S, wait::Patience};

/// For how long a feed serves everybody who asks.
const FRESH_MS: u64 = 1000;

/// The longest feed. One of this many ended sessions is 1.6 MB.
const MAX_ENDED: u32 = 200_000;

/// The version nibble of a session's row id. Other rows hold no session.
const SESSION_VERSION: u8 = 7;

/// A feed that was made.
#[derive(Clone)]
struct Made {
    at: Timestamp,
    window: Duration,
    feed: EndedFeed,
}

/// The last feed that was made.
#[derive(Default)]
pub(crate) struct LastFeed(Mutex<Option<Made>>);

/// A signed list of the sessions that ended lately, for workers at the edge. See `Sessions::ended_feed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedFeed {
    bytes: Arc<[u8]>,
    as_of: Timestamp,
}

impl EndedFeed {
    /// The media type of the document.
    pub const CONTENT_TYPE: &str = "application/octet-stream";

    /// A CDN and the worker's runtime may keep it for a second.
    pub const CACHE_CONTROL: &str = "public, max-age=1";

    /// The document, as FORMAT.md describes it. It holds no secret and opens nothing.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// For which moment it is true, by the database's clock.
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// The value of the `ETag` header: another one for each feed.
    pub fn etag(&self) -> String {
        format!("\"{:x}\"", self.as_of.unix_ms())
    }

    /// Whether a request that has this `If-None-Match` needs no body (RFC 9110, 13.1.2): answer 304.
    pub fn is_matched_by(&self, if_none_match: Option<&http::HeaderValue>) -> bool {
        let Some(tags) = if_none_match.and_then(|value| value.to_str().ok()) else { return false };
        tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == self.etag())
    }
}

impl Sessions {
    /// The sessions that ended within `window` before now, signed, for workers at the edge: with it, a worker knows who has signed
    /// out, without a database call a request.
    ///
    /// The window must be at least the `maxAgeSeconds` of the worker and half a minute; it is at most
    /// [`TOMBSTONE_S`](crate::TOMBSTONE_S). The feed is made at most once a second, with one query over the tombstones.
    pub async fn ended_feed(&self, window: Duration) -> Result<EndedFeed, SessionError> {
        let engine = &self.0;
        let store = engine.store("a feed of ended sessions")?;
        let patience = Patience::new(engine.max_wait);
        patience.wait(engine.ready()).await??;
        let window = window.min(Duration::from_secs(TOMBSTONE_S));
        let mut last = patience.wait(engine.feed.0.lock()).await?;
        let as_of = engine.now();
        if let Some(made) = &*last
            && made.window == window
            && as_of.unix_ms().saturating_sub(made.at.unix_ms()) < FRESH_MS
            && as_of >= made.at
        {
            return Ok(made.feed.clone());
        }
        let window_ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        let since = Timestamp::from_unix_ms(as_of.unix_ms().saturating_sub(window_ms));
        let ended = patience.wait(store.ended_since(since, MAX_ENDED.saturating_add(1))).await??;
        if ended.len() > MAX_ENDED as usize {
            return Err(SessionError::FeedTooLarge { max: MAX_ENDED });
        }
        let feed = Feed::new(since, as_of, ended.into_iter().filter(is_session));
        let bytes = engine.keyring.write_feed(&feed, engine.cookie.cookie_name())?;
        let feed = EndedFeed { bytes: bytes.into(), as_of };
        *last = Some(Made { at: as_of, window, feed: feed.clone() });
        Ok(feed)
    }
}

fn is_session(id: &RowId) -> bool {
    id.as_bytes().get(6).is_some_and(|byte| byte >> 4 == SESSION_VERSION)
}
