//! What a response acknowledges.

use waxseal_http::{Outcome, RowId, Timestamp};

use super::{
    MARGIN_MS, Model, NEVER, Pending,
    note::Notes,
    records::{Cookie, Lineage, Record, Revocation, Written},
};
use crate::application::{Act, Ending, Request, Response};

/// A statement that nobody waits for any more may still arrive so much later, in milliseconds.
const STRAY_MS: u64 = 45_000;

/// The name of the session's cookie.
pub(super) const COOKIE: &str = "__Host-session";

/// A cookie in a response.
pub(super) enum Sent {
    Removal,
    Set { value: String, cookie: Cookie, subject: Option<String>, idle_ms: u64, deadline: Timestamp },
}

impl Model {
    /// A request has ended: with a response, or without one because its node crashed or its client gave up. `began` is the database's
    /// time when the simulation began.
    pub(crate) fn finish(&mut self, id: u64, response: Option<&Response>, at: u64, began: Timestamp) {
        let Some(pending) = self.pending.remove(&id) else { return };
        self.settle_threats(id, response.is_some_and(|response| response.status == 200), at);
        let Some(response) = response else {
            self.used(&pending, at + STRAY_MS);
            return;
        };
        let slack = if response.status == 200 { 0 } else { STRAY_MS };
        self.used(&pending, at + slack);
        if let Some(seen) = &response.seen {
            self.check_seen(&pending, seen, at);
        }
        if let Some(listed) = &response.listed {
            self.check_list(&pending, listed);
        }
        let now = Timestamp::from_unix_ms(began.unix_ms() + at);
        let sent: Vec<Sent> = response.cookies.iter().filter_map(|header| self.read(header, now)).collect();
        for sent in &sent {
            self.check_sent(&pending, response, sent, at);
        }
        self.acknowledge(&pending, response, &sent, at, began);
    }

    /// A response says that a renewal or a sign-in failed, and sends no cookie: the old cookie must still be good, where only commits are
    /// cut and no other request has tried to end it. `is_there` says whether a row is in the database.
    pub(crate) fn check_cut(
        &mut self,
        request: &Request,
        start: u64,
        response: &Response,
        is_there: impl Fn(RowId) -> bool,
    ) {
        let moves = request.acts.iter().any(|act| matches!(act, Act::Renew | Act::SignIn { .. }));
        if response.status < 500 || request.ending != Ending::Ok || !moves || !response.cookies.is_empty() {
            return;
        }
        let Some(id) = response.seen.as_ref().and_then(|seen| seen.id) else { return };
        // Refusing a sign-in that was overtaken by the end of its user's sessions can fail, too. No cookie of it goes out.
        let overtaken = self.threats.iter().any(|threat| {
            let signs_in = |act: &Act| matches!(act, Act::SignIn { user, .. } if *user == threat.subject);
            threat.by != request.id
                && threat.over.saturating_add(MARGIN_MS) >= start
                && request.acts.iter().any(signs_in)
        });
        if overtaken {
            return;
        }
        let alone = self.rows.get(&id).is_some_and(|row| row.threats == 1 && row.expired.is_none());
        if alone && !is_there(id) {
            let what =
                format!("request {}: {id} has ended, and no new cookie was sent: {:?}", request.id, response.error);
            self.broken("cut", what);
        }
    }

    /// An operator's end of all sessions of a user is over.
    pub(crate) fn revocation_ends(&mut self, by: u64, user: &str, start: u64, done: bool, at: u64) {
        self.settle_threats(by, done, at);
        if done {
            self.revoked(user, None, start, at);
        }
    }

    fn settle_threats(&mut self, by: u64, done: bool, at: u64) {
        for threat in self.threats.iter_mut().filter(|threat| threat.by == by) {
            threat.over = if done { at } else { at + STRAY_MS };
        }
    }

    fn used(&mut self, pending: &Pending, until: u64) {
        for (id, _) in &pending.presented {
            if let Some(row) = self.rows.get_mut(id).filter(|row| row.expired.is_none()) {
                row.last_use = row.last_use.max(until);
            }
        }
    }

    /// What a `Set-Cookie` header says.
    fn read(&self, header: &str, now: Timestamp) -> Option<Sent> {
        let (pair, attributes) = header.split_once(';')?;
        let (_, value) = pair.split_once('=')?;
        if attributes.contains("Max-Age=0") {
            return Some(Sent::Removal);
        }
        let ticket = self.ring.open_ticket(COOKIE, value.as_bytes(), now).ok()?;
        Some(Sent::Set {
            value: value.into(),
            cookie: Cookie { row: ticket.row_id(), generation: ticket.generation() },
            subject: ticket.subject().map(String::from),
            idle_ms: ticket.idle_s() * 1000,
            deadline: ticket.deadline(),
        })
    }

    fn acknowledge(&mut self, pending: &Pending, response: &Response, sent: &[Sent], at: u64, began: Timestamp) {
        let ms_of = |time: Timestamp| time.unix_ms().saturating_sub(began.unix_ms());
        let outcomes = [response.saved, response.committed];
        let did = |outcome| outcomes.contains(&Some(outcome));
        let seen = response.seen.as_ref().and_then(|seen| seen.id);
        // A new session whose cookie is not sent: it has ended again, and nobody knows its id.
        let moved = did(Outcome::Created) || did(Outcome::Renewed);
        let wrote = did(Outcome::Saved) || did(Outcome::Touched);
        let mut row = match pending.presented.as_slice() {
            _ if moved => None,
            [(id, _)] if wrote && !pending.request.looks => Some(*id),
            _ => seen,
        };
        let mut generation = None;
        for sent in sent {
            let Sent::Set { value, cookie, subject, idle_ms, deadline } = sent else { continue };
            if !self.rows.contains_key(&cookie.row) {
                self.appears(pending, response, cookie.row, subject, *idle_ms, ms_of(*deadline), at);
            }
            if self.cookies.insert(value.clone(), *cookie).is_none() {
                self.sent.push(value.clone());
            }
            row = Some(cookie.row);
            generation = Some(cookie.generation);
        }
        let kept = |outcome: Option<Outcome>| outcome.is_some_and(Outcome::is_kept);
        let done = match response.saved {
            Some(outcome) => outcome.is_kept(),
            None if response.status == 200 => kept(response.committed),
            // A refusal commits data, unless it refuses a sign-in that was overtaken.
            None => response.status < 500 && (moved || did(Outcome::Saved)),
        };
        if let Some(id) = row.filter(|_| done) {
            self.acknowledge_changes(pending, response, id, generation, at);
        }
        if let (true, Some(old)) = (did(Outcome::Renewed), seen) {
            self.ended(old, at);
        }
        let knows_keys = pending.node_keys.newest >= self.primary;
        if response.status == 200 && knows_keys && pending.signs_out() && did(Outcome::Destroyed) {
            for (id, _) in &pending.presented {
                self.ended(*id, at);
            }
        }
        let user = seen.and_then(|id| self.rows.get(&id)?.subject.clone());
        if let (Some(id), Some(user)) = (response.revoked, &user)
            && self.rows.get(&id).is_some_and(|row| row.subject.as_ref() == Some(user))
            && Some(id) != seen
        {
            self.ended(id, at);
        }
        if let (true, Some(user)) = (response.revoked_others, user) {
            let own = seen.and_then(|id| Some(self.rows.get(&id)?.lineage));
            self.revoked(&user, own, pending.start, at);
        }
    }

    fn acknowledge_changes(
        &mut self,
        pending: &Pending,
        response: &Response,
        id: RowId,
        generation: Option<u64>,
        at: u64,
    ) {
        let outcomes = [response.saved, response.committed];
        let Some(row) = self.rows.get_mut(&id) else { return };
        let idle = row.idle_ms.saturating_sub(MARGIN_MS);
        let sure = if outcomes.contains(&Some(Outcome::Touched)) {
            pending.start + idle
        } else if outcomes.contains(&Some(Outcome::Saved)) {
            (pending.start + idle).saturating_sub(self.touch_ms)
        } else {
            0
        };
        row.sure_until = row.sure_until.max(sure).min(row.deadline.saturating_sub(MARGIN_MS));
        let (Some(book), row_number) = (row.book, row.number) else { return };
        for act in &pending.request.acts {
            if let Act::Append(number) = act
                && let Some(number) = self.numbers.get_mut(number)
            {
                if !number.books.contains(&book) {
                    number.books.push(book);
                }
                if !number.forbidden {
                    number.written = Some(Written { at, book, row: id, row_number, generation });
                }
            }
        }
        if pending.request.acts.iter().any(|act| matches!(act, Act::Note(_))) && !self.is_undone(pending) {
            self.notes[book].acknowledged(pending.request.id, at);
        }
    }

    fn is_undone(&self, pending: &Pending) -> bool {
        pending.request.ending != Ending::Ok && !pending.request.saves
    }

    /// A session under a new id.
    #[expect(clippy::too_many_arguments, reason = "what its cookie says")]
    fn appears(
        &mut self,
        pending: &Pending,
        response: &Response,
        id: RowId,
        subject: &Option<String>,
        idle_ms: u64,
        deadline: u64,
        at: u64,
    ) {
        let did = |outcome| [response.saved, response.committed].contains(&Some(outcome));
        let old = response.seen.as_ref().and_then(|seen| self.rows.get(&seen.id?).cloned());
        let signs_in = pending.request.acts.iter().any(|act| matches!(act, Act::SignIn { .. }));
        let (mut lineage, mut book) = (None, None);
        if let (true, Some(old)) = (did(Outcome::Renewed), &old) {
            let same_user = old.subject.is_none() || old.subject == *subject;
            book = if same_user { old.book } else { Some(self.new_book(pending, at)) };
            lineage = (!signs_in).then_some(old.lineage);
        } else if did(Outcome::Created) {
            book = Some(self.new_book(pending, at));
        }
        let lineage = lineage.unwrap_or_else(|| {
            self.lineages.push(Lineage { subject: subject.clone(), since: pending.start, ended: None });
            self.lineages.len() - 1
        });
        let since = self.lineages[lineage].since;
        let of_user = |user: &String| subject.as_ref() == Some(user);
        let threats = self.threats.iter().filter(|threat| of_user(&threat.subject) && threat.by != pending.request.id);
        let threatened =
            threats.filter(|threat| threat.over.saturating_add(MARGIN_MS) >= since).map(|threat| threat.start);
        let threatened = threatened.chain(self.revoked_by_id.get(&id).copied()).min();
        let own = Some(lineage);
        let revoked = |revocation: &&Revocation| {
            of_user(&revocation.subject) && revocation.start > since + MARGIN_MS && revocation.but != own
        };
        if self.revocations.iter().any(|revocation| revoked(&revocation)) {
            self.lineages[lineage].ended.get_or_insert(at);
        }
        let number = self.rows.len();
        let sure_until = (pending.start + idle_ms).min(deadline).saturating_sub(MARGIN_MS);
        let ended = self.lineages[lineage].ended;
        let threats = u32::from(threatened.is_some());
        let subject = subject.clone();
        self.rows.insert(
            id,
            Record {
                number,
                lineage,
                book,
                subject,
                idle_ms,
                deadline,
                sure_until,
                last_use: at,
                expired: None,
                threats,
                threatened,
                ended,
            },
        );
    }

    fn new_book(&mut self, pending: &Pending, at: u64) -> usize {
        let mut notes = Notes::new(pending.start);
        for act in &pending.request.acts {
            if let Act::Note(value) = act {
                notes.attempted(pending.request.id, *value, pending.start);
            }
        }
        notes.acknowledged(pending.request.id, at);
        self.notes.push(notes);
        self.books += 1;
        self.books - 1
    }

    fn ended(&mut self, id: RowId, at: u64) {
        if let Some(row) = self.rows.get_mut(&id) {
            row.ended.get_or_insert(at);
        }
    }

    fn revoked(&mut self, user: &str, but: Option<usize>, start: u64, at: u64) {
        self.revocations.push(Revocation { subject: user.into(), start, but });
        for (index, lineage) in self.lineages.iter_mut().enumerate() {
            let theirs = lineage.subject.as_deref() == Some(user) && Some(index) != but;
            if theirs && lineage.since + MARGIN_MS < start {
                lineage.ended.get_or_insert(at);
                for row in self.rows.values_mut().filter(|row| row.lineage == index) {
                    row.ended.get_or_insert(at);
                }
            }
        }
    }

    /// Whether no end was attempted and the time has not come.
    pub(super) fn surely_lives(&self, id: RowId, at: u64) -> bool {
        self.rows.get(&id).is_some_and(|row| row.threatened.is_none() && row.sure_until > at && at < NEVER)
    }
}
