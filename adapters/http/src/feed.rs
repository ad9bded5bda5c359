//! The feed of ended sessions that an edge fetches: made at most once a second, however many requests ask for it.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use tokio::sync::Mutex;
use waxseal_core::{Feed, RowId, Timestamp};

use crate::{SessionError, Sessions, TOMBSTONE_S, told::Told, wait::Patience};

/// How long one feed is served to everybody who asks, in milliseconds.
const FRESH_MS: u64 = 1000;

/// The most sessions in a feed. A feed of this many is 1.6 MB.
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

/// A signed list of the sessions that ended recently, for workers at the edge. See `Sessions::ended_feed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedFeed {
    bytes: Arc<[u8]>,
    as_of: Timestamp,
}

impl EndedFeed {
    /// The media type of the document.
    pub const CONTENT_TYPE: &str = "application/octet-stream";

    /// The `Cache-Control` header: a CDN and the worker's runtime may keep the document for one second.
    pub const CACHE_CONTROL: &str = "public, max-age=1";

    /// The document, in the format of FORMAT.md. It holds no secret and opens nothing.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The time for which it is true, by the database's clock.
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// The value of the `ETag` header, different for each feed.
    pub fn etag(&self) -> String {
        format!("\"{:x}\"", self.as_of.unix_ms())
    }

    /// Whether a request with this `If-None-Match` needs no body (RFC 9110, 13.1.2). Then answer 304.
    pub fn is_matched_by(&self, if_none_match: Option<&HeaderValue>) -> bool {
        let Some(tags) = if_none_match.and_then(|value| value.to_str().ok()) else { return false };
        tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == self.etag())
    }
}

impl Sessions {
    /// Lists the sessions that ended within `window` before now, signed for workers at the edge. With it a worker knows who has
    /// signed out, without a database call per request.
    ///
    /// The window must be at least 30 seconds longer than the `maxAgeSeconds` of the worker's `Edge`. It is at most
    /// [`TOMBSTONE_S`](crate::TOMBSTONE_S): a longer one is shortened. The feed is made at most once a second, with one query
    /// over the tombstones.
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

impl Sessions {
    /// The response for the route where workers fetch the feed: 200 with the document; 304 if the request's `If-None-Match` names
    /// it; 503 if it could not be made, with the reason in the log. Adapters mount it in one line.
    pub async fn ended_feed_response(&self, request: &HeaderMap, window: Duration) -> Response<Vec<u8>> {
        let mut response = Response::new(Vec::new());
        match self.ended_feed(window).await {
            Ok(feed) => {
                let headers = response.headers_mut();
                headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(EndedFeed::CACHE_CONTROL));
                if let Ok(etag) = HeaderValue::try_from(feed.etag()) {
                    headers.insert(header::ETAG, etag);
                }
                if feed.is_matched_by(request.get(header::IF_NONE_MATCH)) {
                    *response.status_mut() = StatusCode::NOT_MODIFIED;
                } else {
                    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(EndedFeed::CONTENT_TYPE));
                    *response.body_mut() = feed.bytes().to_vec();
                }
            }
            Err(error) => {
                Told::default().error("feed of ended sessions", None, &error);
                *response.status_mut() = error.status();
                response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            }
        }
        response
    }
}

fn is_session(id: &RowId) -> bool {
    id.as_bytes().get(6).is_some_and(|byte| byte >> 4 == SESSION_VERSION)
}
