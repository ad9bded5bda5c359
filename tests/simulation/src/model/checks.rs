//! What must hold of everything that a request reads and is sent.

use waxseal_http::{ASKED_AGAIN, RowId};

use super::{Model, Pending, finish::Sent};
use crate::{
    application::{Act, Response, Seen},
    node::Keys,
};

/// A request that began so soon after its session was ended was sent before the browser knew of it, in milliseconds. (The engine
/// allows a second more.)
const GRACE_MS: u64 = 9000;

impl Model {
    pub(super) fn check_seen(&mut self, pending: &Pending, seen: &Seen, at: u64) {
        let id = pending.request.id;
        let knows_keys = pending.node_keys.newest >= self.primary;
        for (row, _) in &pending.presented {
            if seen.id == Some(*row) {
                break;
            }
            if knows_keys && self.surely_lives(*row, at) {
                let instead = seen.id.map_or_else(|| "no session".into(), |other| other.to_string());
                return self
                    .broken("signed out", format!("request {id}: {row} is live, and the request has {instead}"));
            }
        }
        let Some(row_id) = seen.id else {
            if seen.subject.is_some() || !seen.log.is_empty() || seen.note.is_some() {
                self.broken("mixed", format!("request {id}: no session, but data: {seen:?}"));
            }
            return;
        };
        let Some((_, generation)) = pending.presented.iter().find(|(presented, _)| *presented == row_id) else {
            return self.broken("mixed", format!("request {id} has the session {row_id}, which it did not present"));
        };
        let Some(row) = self.rows.get(&row_id).cloned() else { return };
        if row.subject != seen.subject {
            self.broken("mixed", format!("request {id}: {row_id} is {:?}'s, not {:?}'s", row.subject, seen.subject));
        }
        let ended = row.ended.or(self.lineages[row.lineage].ended);
        if ended.is_some_and(|ended| pending.start > ended + self.reads.bound_ms()) {
            self.broken("ended", format!("request {id}: {row_id} had ended at {ended:?} ms, and is live at {at} ms"));
        }
        if row.expired.is_some_and(|expired| expired < pending.start) {
            self.broken("expired", format!("request {id}: {row_id} had expired by {:?} ms", row.expired));
        }
        self.check_log(pending, seen, row_id, *generation);
        if let Some(book) = row.book
            && self.reads.bound_ms() == 0
            && !self.notes[book].allows(seen.note, pending.start, at)
        {
            self.broken("lost", format!("request {id}: the note of {row_id} is {:?}, an older value", seen.note));
        }
    }

    /// Every acknowledged number is there once, every other one at most once, and none of another session.
    fn check_log(&mut self, pending: &Pending, seen: &Seen, row_id: RowId, generation: u64) {
        let id = pending.request.id;
        let Some((book, row_number)) = self.rows.get(&row_id).and_then(|row| Some((row.book?, row.number))) else {
            return;
        };
        let mut sorted = seen.log.clone();
        sorted.sort_unstable();
        if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return self.broken("twice", format!("request {id}: {} is in {row_id} twice", twice[0]));
        }
        for number in &seen.log {
            match self.numbers.get(number) {
                Some(known) if known.forbidden => {
                    return self.broken("discarded", format!("request {id}: {number} was discarded"));
                }
                Some(known) if known.books.contains(&book) => {}
                _ => return self.broken("mixed", format!("request {id}: {number} was not written to {row_id}")),
            }
        }
        let strong = self.reads.bound_ms() == 0;
        let missing = self.numbers.iter().find(|(number, known)| {
            known.written.is_some_and(|written| {
                let must_be_seen = written.row_number < row_number
                    || (written.row == row_id && strong && written.at < pending.start)
                    || (written.row == row_id && written.generation.is_some_and(|written| written <= generation));
                written.book == book && must_be_seen && sorted.binary_search(number).is_err()
            })
        });
        if let Some((number, known)) = missing {
            let what = format!("request {id}: {number} is missing in {row_id} at {generation}, {:?}", known.written);
            self.broken("lost", what);
        }
    }

    /// A stream has ended, or has not while it was watched.
    pub(crate) fn streamed(&mut self, cookie: &str, keys: Keys, ended: bool, slack_ms: u64, [start, at]: [u64; 2]) {
        let Some(id) = self.cookies.get(cookie).map(|cookie| cookie.row) else { return };
        if keys.newest < self.primary {
            return;
        }
        if ended && self.surely_lives(id, at) {
            self.broken("stream", format!("a stream of {id} has ended, and the session is live"));
        }
        let bound = u64::try_from(ASKED_AGAIN.as_millis()).unwrap_or(u64::MAX) + self.reads.bound_ms() + slack_ms;
        let over = self.rows.get(&id).and_then(|row| row.ended.or(self.lineages[row.lineage].ended));
        if !ended && over.is_some_and(|over| over.max(start).saturating_add(bound) < at) {
            self.broken("stream", format!("{id} ended at {over:?} ms, and a stream of it goes on at {at} ms"));
        }
    }

    pub(super) fn check_list(&mut self, pending: &Pending, listed: &[RowId]) {
        let id = pending.request.id;
        let ended = listed.iter().find(|id| {
            let ended = self.rows.get(id).and_then(|row| row.ended.or(self.lineages[row.lineage].ended));
            ended.is_some_and(|ended| ended < pending.start)
        });
        if let Some(row) = ended {
            self.broken("list", format!("request {id}: {row} is listed, and had ended"));
        }
        if let Some((max, _)) = self.limit
            && listed.len() > max as usize
        {
            self.broken("list", format!("request {id}: {} sessions, and {max} are allowed", listed.len()));
        }
    }

    /// A cookie that is sent must not take a good one's place without a cause.
    pub(super) fn check_sent(&mut self, pending: &Pending, response: &Response, sent: &Sent, at: u64) {
        let (id, acts) = (pending.request.id, &pending.request.acts);
        let Sent::Set { cookie, subject, .. } = sent else {
            if !pending.signs_out() {
                self.broken("anonymous", format!("request {id}: its cookie is removed, and it did not sign out"));
            }
            return;
        };
        if let Some((_, generation)) = pending.presented.iter().find(|(row, _)| *row == cookie.row) {
            if cookie.generation < *generation {
                self.broken("older cookie", format!("request {id}: its cookie goes back to {}", cookie.generation));
            }
            return;
        }
        let user = acts.iter().find_map(|act| match act {
            Act::SignIn { user, .. } => Some(user),
            _ => None,
        });
        // A response of 400 or more drops a sign-in that was not saved before.
        let dropped = response.status >= 400 && response.saved.is_none();
        if let Some(user) = user.filter(|user| !dropped || subject.as_ref() == Some(user)) {
            if subject.as_ref() != Some(user) {
                self.broken("mixed", format!("request {id}: a cookie of {subject:?} for {user}"));
            }
            return;
        }
        let old = response.seen.as_ref().and_then(|seen| seen.id).and_then(|id| self.rows.get(&id));
        if acts.contains(&Act::Renew) && old.is_some_and(|old| old.subject == *subject) || pending.signs_out() {
            return;
        }
        let replaced = pending.presented.iter().find(|(presented, _)| {
            let Some(row) = self.rows.get(presented) else { return false };
            let just_ended =
                row.threatened.is_some_and(|ended| pending.start <= ended + GRACE_MS) && row.sure_until > at;
            self.surely_lives(*presented, at) || just_ended
        });
        if let Some((row, _)) = replaced {
            let what = format!("request {id}: an anonymous session's cookie replaces that of {row}");
            self.broken("anonymous", what);
        }
    }
}
