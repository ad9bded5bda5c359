//! The feed of ended sessions: fetched beside the requests, and kept for all that come to this worker.

use std::{cell::RefCell, rc::Rc};

use waxseal_core::{EdgeKeys, Feed, Standing, Ticket, Timestamp};
use worker::{Context, Error, Fetch, Result};

/// How often the feed is fetched while requests come in, in milliseconds.
const REFRESH_MS: u64 = 5_000;

/// How old the feed may be to prove that a session has not ended, in seconds.
const MAX_AGE_S: u64 = 30;

#[derive(Default)]
struct Kept {
    /// The newest feed, and when it was asked for.
    feed: Option<(Feed, Timestamp)>,
    /// When the feed was last asked for, whatever came of it.
    asked: Option<Timestamp>,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

/// Fetches the feed if that is due. No request waits for it: without a feed, the application is asked.
pub(crate) fn refresh(context: &Context, url: String, name: String, keys: Rc<EdgeKeys>, now: Timestamp) {
    let due = KEPT.with_borrow_mut(|kept| {
        // A clock may be set back.
        let due = kept.asked.is_none_or(|asked| now < asked || now.unix_ms() - asked.unix_ms() >= REFRESH_MS);
        if due {
            kept.asked = Some(now);
        }
        due
    });
    if due {
        context.wait_until(async move {
            match fetch(&url, &name, &keys).await {
                Ok(feed) => keep(feed, now),
                Err(error) => worker::console_error!("the feed of ended sessions: {error}"),
            }
        });
    }
}

async fn fetch(url: &str, name: &str, keys: &EdgeKeys) -> Result<Feed> {
    let url = url.parse().map_err(|error| Error::RustError(format!("FEED_URL: {error}")))?;
    let mut response = Fetch::Url(url).send().await?;
    if response.status_code() != 200 {
        return Err(Error::RustError(format!("the application answered {}", response.status_code())));
    }
    keys.open_feed(name, response.bytes().await?).map_err(|error| Error::RustError(error.to_string()))
}

/// Keeps a feed that is newer than the present one: answers may overtake each other, and the same feed does not become younger.
fn keep(feed: Feed, asked: Timestamp) {
    KEPT.with_borrow_mut(|kept| {
        if kept.feed.as_ref().is_none_or(|(newest, _)| newest.as_of() < feed.as_of()) {
            kept.feed = Some((feed, asked));
        }
    });
}

/// What is known of the session behind a ticket.
pub(crate) fn standing(ticket: &Ticket, now: Timestamp) -> Standing {
    KEPT.with_borrow(|kept| match &kept.feed {
        Some((feed, asked)) => {
            // The feed ages by the application's clock from when it was made: a clock here that is behind does not make it look newer.
            let age_ms = now.unix_ms().saturating_sub(asked.unix_ms());
            let at_least = Timestamp::from_unix_ms(feed.as_of().unix_ms().saturating_add(age_ms));
            feed.standing(ticket, now.max(at_least), MAX_AGE_S)
        }
        None => Standing::Unproved,
    })
}
