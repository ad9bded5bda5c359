//! The feed of ended sessions: a signed list that tells a worker at the edge who has signed out.
//!
//! ```text
//! feed    = 0x02 | key id[4] | payload | tag[32]      a signed envelope; use = feed, context = [ cookie name ]
//! payload = 0x01 | since_ms[8] | as_of_ms[8] | mark[8] …     marks ascending, none twice
//! mark    = the last 8 bytes of a row id
//! ```
//!
//! The payload has no count: its length says how many marks there are, so no claim of a length can allocate.

use alloc::vec::Vec;

use crate::{
    KeyId, Nonce, OpenError, Protection, RowId, SealError, Ticket, Timestamp,
    envelope::{self, MAX_NAME_BYTES},
    subkeys::FeedKeys,
};

/// The version of the payload.
const VERSION: u8 = 1;
/// Version and the two times.
const HEADER: usize = 1 + 2 * 8;
/// The last bytes of a row id. Its first six are a time, so that many ids share them; of these eight, 62 bits are a hash of the
/// session secret.
const MARK: usize = 8;
/// The longest list. A feed of this many ended sessions is 8 MiB.
const MAX_ENDED: usize = 1 << 20;
/// The longest document.
const MAX_BYTES: usize = HEADER + MAX_ENDED * MARK + envelope::SIGNED_OVERHEAD;

/// How much earlier than a ticket's issue a feed must begin to prove anything about the ticket, in milliseconds.
///
/// The application issues a ticket from what it loaded a moment before: earlier by at most a request's deadline and a second of
/// cache. A session that ended in between is in the feed under that earlier time.
const MARGIN_MS: u64 = 30 * 1000;

/// A feed made further in the future than this, in milliseconds, proves nothing: a clock is wrong. The same bound as a ticket's.
const MAX_AHEAD_MS: u64 = 5 * 60 * 1000;

/// The sessions that ended within a window of time, as the application's database had them at the end of the window.
///
/// A feed that was [opened](crate::EdgeKeys::open_feed) is authentic. It holds no secret and opens nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    since: Timestamp,
    as_of: Timestamp,
    /// Ascending, none twice.
    marks: Vec<u64>,
}

/// What a feed says about a ticket's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// The session has ended: it was signed out, revoked or renewed. That stays true however old the feed is.
    Ended,
    /// The session had not ended at the feed's time, and the feed is recent enough.
    NotEnded,
    /// The feed proves nothing: it is too old, or does not reach back to the ticket's issue, or the ticket is stateless. Ask the
    /// application or the database.
    Unproved,
}

impl Feed {
    /// A feed of the rows `ended`, in any order. They ended between `since` and `as_of`.
    ///
    /// It must name **every** session that ended in this window and is known at `as_of`: a worker accepts the sessions that it
    /// does not name.
    pub fn new(since: Timestamp, as_of: Timestamp, ended: impl IntoIterator<Item = RowId>) -> Self {
        let mut marks: Vec<u64> = ended.into_iter().map(|id| mark(&id)).collect();
        marks.sort_unstable();
        marks.dedup();
        Self { since: since.min(as_of), as_of, marks }
    }

    /// When the window begins.
    pub const fn since(&self) -> Timestamp {
        self.since
    }

    /// The end of the window: the time at which the list was correct.
    pub const fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// How many sessions the feed names.
    pub const fn len(&self) -> usize {
        self.marks.len()
    }

    /// Whether the feed names no session.
    pub const fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// Whether the feed names this row. It holds 8 bytes of each id: a feed with 100,000 names also matches one in
    /// 46,000,000,000,000 other ids.
    pub fn contains(&self, id: &RowId) -> bool {
        self.marks.binary_search(&mark(id)).is_ok()
    }

    /// Whether the feed would name the session behind `ticket` if that had ended after the ticket was issued.
    ///
    /// The window must begin at least 30 seconds before the issue. Always `false` for a stateless ticket, which has no row.
    pub fn reaches(&self, ticket: &Ticket) -> bool {
        !ticket.is_stateless() && self.since.unix_ms().saturating_add(MARGIN_MS) <= ticket.issued_at().unix_ms()
    }

    /// What the feed says about the session behind `ticket`. To prove that the session has not ended, the feed must be at most
    /// `max_age_s` seconds old.
    ///
    /// This does not replace the ticket's own [freshness](Ticket::freshness), which bounds the age of its claims.
    pub fn standing(&self, ticket: &Ticket, now: Timestamp, max_age_s: u64) -> Standing {
        let (now, as_of) = (now.unix_ms(), self.as_of.unix_ms());
        let in_time =
            now.saturating_sub(as_of) <= max_age_s.saturating_mul(1000) && as_of.saturating_sub(now) <= MAX_AHEAD_MS;
        if self.contains(&ticket.row_id()) {
            Standing::Ended
        } else if in_time && self.reaches(ticket) {
            Standing::NotEnded
        } else {
            Standing::Unproved
        }
    }

    /// Decodes the payload. `None` if it is not version 1 in its canonical encoding.
    fn decode(payload: &[u8]) -> Option<Self> {
        let ([version, times @ ..], marks) = payload.split_first_chunk::<HEADER>()?;
        let ([since, as_of], []) = times.as_chunks() else { return None };
        let (marks, []) = marks.as_chunks::<MARK>() else { return None };
        let marks: Vec<u64> = marks.iter().map(|mark| u64::from_be_bytes(*mark)).collect();
        let [since, as_of] = [since, as_of].map(|ms| Timestamp::from_unix_ms(u64::from_be_bytes(*ms)));
        let sorted = marks.is_sorted_by(|a, b| a < b);
        (*version == VERSION && since <= as_of && sorted).then_some(Self { since, as_of, marks })
    }
}

/// Big-endian, so that the numbers sort like their bytes.
fn mark(id: &RowId) -> u64 {
    let [.., a, b, c, d, e, f, g, h] = *id.as_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

pub(crate) fn write(keys: &FeedKeys, id: KeyId, feed: &Feed, name: &str) -> Result<Vec<u8>, SealError> {
    if name.len() > MAX_NAME_BYTES {
        return Err(SealError::NameTooLong);
    }
    if feed.len() > MAX_ENDED {
        return Err(SealError::FeedTooLong);
    }
    // A signed envelope has no nonce.
    let unused = Nonce::from_bytes([0; Nonce::LEN]);
    let len = HEADER.saturating_add(feed.len().saturating_mul(MARK));
    envelope::close(keys, id, &[name.as_bytes()], Protection::Signed, unused, len, |buffer| {
        buffer.push(VERSION);
        for number in [feed.since.unix_ms(), feed.as_of.unix_ms()].iter().chain(&feed.marks) {
            buffer.extend_from_slice(&number.to_be_bytes());
        }
        Ok(())
    })
}

pub(crate) fn open<'a>(
    keys: impl FnOnce(KeyId) -> Result<&'a FeedKeys, OpenError>,
    name: &str,
    bytes: Vec<u8>,
) -> Result<Feed, OpenError> {
    // A sealed envelope is not a feed.
    if bytes.len() > MAX_BYTES || !envelope::is_signed(&bytes) {
        return Err(OpenError::Malformed);
    }
    let contents = envelope::open(keys, &[name.as_bytes()], bytes)?;
    Feed::decode(contents.as_slice()).ok_or(OpenError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Data, Secret, Timeouts};

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_790_000_000);

    fn ticket(n: u8) -> Ticket {
        let terms = Timeouts::default().terms();
        let ticket = Ticket::issue(Secret::from_bytes([n; 32]), NOW, terms, None, Data::new()).unwrap();
        ticket.at_generation(1)
    }

    fn before(seconds: u64) -> Timestamp {
        Timestamp::from_unix_seconds(NOW.unix_seconds() - seconds)
    }

    #[test]
    fn the_mark_is_the_part_of_an_id_that_no_other_session_of_the_same_millisecond_has() {
        let [one, other] = [ticket(1).row_id(), ticket(2).row_id()];
        assert_eq!(one.as_bytes()[..6], other.as_bytes()[..6]);
        assert_eq!(mark(&one).to_be_bytes(), one.as_bytes()[8..]);
        assert_ne!(mark(&one), mark(&other));
    }

    #[test]
    fn an_ended_session_stays_ended_and_another_is_proved_within_the_bounds_alone() {
        let feed = |since, as_of| Feed::new(since, as_of, [ticket(1).row_id()]);
        let good = feed(before(30), NOW.plus_seconds(5));
        for (now, standing) in [
            (NOW.plus_seconds(5), Standing::NotEnded),
            (NOW.plus_seconds(15), Standing::NotEnded),
            (Timestamp::from_unix_ms(NOW.plus_seconds(15).unix_ms() + 1), Standing::Unproved),
            // The clock here is behind, a little or by more than any good one is.
            (before(295), Standing::NotEnded),
            (before(296), Standing::Unproved),
        ] {
            assert_eq!(good.standing(&ticket(2), now, 10), standing, "{now:?}");
            assert_eq!(good.standing(&ticket(1), now, 10), Standing::Ended);
        }
        // The ticket was issued before the window, or too shortly after its begin.
        assert_eq!(feed(before(29), NOW).standing(&ticket(2), NOW, 10), Standing::Unproved);
        // Nothing lists a session that has no row.
        assert_eq!(good.standing(&ticket(2).at_generation(0), NOW, 10), Standing::Unproved);
    }

    #[test]
    fn order_and_repetition_make_no_difference() {
        let ids = |order: &[u8]| order.iter().map(|n| ticket(*n).row_id()).collect::<Vec<_>>();
        let [a, b] = [[3, 1, 2, 1].as_slice(), &[1, 2, 3]].map(|order| Feed::new(before(9), NOW, ids(order)));
        assert_eq!(a, b);
        assert_eq!(a.len(), 3);
        assert!(!a.is_empty() && Feed::new(NOW, before(1), []).is_empty());
        assert_eq!(Feed::new(NOW, before(1), []).since(), before(1), "a window does not end before it begins");
    }
}
