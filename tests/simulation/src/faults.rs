//! Deliberate faults: mistakes that a store, a network or an application could make, switched on to show that the simulation finds them.

use std::collections::{BTreeMap, VecDeque};

use waxseal_http::{Admission, Found, Row, RowId, Timestamp, Which};

use crate::{
    chance::Chance,
    database::{Answer, Command, Copy, Database},
};

macro_rules! faults {
    ($($fault:ident, $name:literal, $what:literal, $check:literal;)*) => {
        /// A deliberate fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault {
            $(#[doc = $what] $fault,)*
        }

        /// All of them: the fault, its name, what it does, and which check finds it.
        pub const FAULTS: &[(Fault, &str, &str, &str)] = &[$((Fault::$fault, $name, $what, $check),)*];
    };
}

faults! {
    SaveInserts, "save-inserts", "a save of a session that has ended brings its row back", "ended";
    NoTombstone, "no-tombstone", "an end leaves no tombstone", "anonymous";
    IgnoredGeneration, "ignored-generation", "a save ignores the generation", "lost";
    RetryWithoutReload, "retry-without-reload", "a save that lost a race is written again as it is", "lost";
    OldRowStays, "old-row-stays", "a renewal leaves the old row", "ended";
    ExpiredLives, "expired-lives", "an expired row is loaded with later times", "expired";
    BlindRetry, "blind-retry", "a statement whose answer was lost is sent again", "twice";
    EndMissesAbsent, "end-misses-absent", "an end misses rows that have not reached the node's copy", "ended";
    EndsOnlyOne, "ends-only-one", "a sign-out ends one of the presented sessions only", "ended";
    WantedIgnored, "wanted-ignored", "a lagging copy answers whatever generation is wanted", "signed out, lost";
    ReplicaUnchecked, "replica-unchecked", "every mark seems to have reached the replica", "ended";
    DeafCache, "deaf-cache", "a cache misses notices, though the pings come back", "ended";
    PingsOvertake, "pings-overtake", "a cache's pings come back before the changes that were committed before them", "ended";
    NeverAskedAgain, "never-asked-again", "a store without notices lets streams wait for ever", "stream";
    ClockOfTheNode, "clock-of-the-node", "times are the node's, not the database's", "signed out, expired";
    SweeperByNodeTime, "sweeper-by-node-time", "the sweeper goes by the node's clock", "signed out";
    SignInsSlipThrough, "sign-ins-slip-through", "ending all sessions leaves no mark for sign-ins under way", "ended";
    RenewalsSlipThrough, "renewals-slip-through", "ending all sessions misses those that are being renewed", "ended";
    TakenTwice, "taken-twice", "a one-time code is read first and removed later", "taken";
    AnswersSwapped, "answers-swapped", "two loads get each other's rows", "signed out";
    OrderOfMany, "order-of-many", "rows of several cookies come back in another order", "signed out";
    TouchOverwrites, "touch-overwrites", "a touch writes the data as they were a moment before", "lost";
    TouchShortens, "touch-shortens", "a touch moves the idle expiry back", "signed out";
    CommitLies, "commit-lies", "a transaction that was rolled back is reported as committed", "lost, signed out";
    NotCounted, "not-counted", "sign-ins are admitted without counting the user's sessions", "list";
    EndedListed, "ended-listed", "the list shows sessions that have ended", "list";
}

impl Fault {
    /// The fault of a name.
    pub fn named(name: &str) -> Option<Self> {
        FAULTS.iter().find(|(_, known, ..)| *known == name).map(|(fault, ..)| *fault)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        FAULTS.iter().find(|(fault, ..)| *fault == self).map_or("", |(_, name, ..)| name)
    }
}

/// What surrounds a statement.
pub(crate) struct Context<'a> {
    pub(crate) time: Timestamp,
    pub(crate) chance: &'a Chance,
    /// The copy of the node that asks.
    pub(crate) copy: Option<&'a mut Copy>,
}

/// The database with the fault that is switched on, if any.
#[derive(Debug)]
pub(crate) struct Bent {
    fault: Option<Fault>,
    /// Rows as they were when they were last read or written.
    before: BTreeMap<RowId, Row>,
    /// Subjects' sessions as they were some statements ago.
    snapshots: VecDeque<(u64, Vec<(RowId, String)>)>,
    /// The row that was loaded last.
    loaded: Option<Row>,
}

impl Bent {
    pub(crate) fn new(fault: Option<Fault>) -> Self {
        Self { fault, before: BTreeMap::new(), snapshots: VecDeque::new(), loaded: None }
    }

    /// Carries out a statement, or does what the fault makes of it.
    pub(crate) fn apply(&mut self, database: &mut Database, command: &Command, context: Context<'_>) -> Answer {
        let Some(fault) = self.fault else { return database.apply(command, context.time) };
        self.remember(fault, database, command);
        match self.bend(fault, database, command, &context) {
            Some(answer) => answer,
            None => {
                let answer = database.apply(command, context.time);
                self.after(fault, database, command, answer, context)
            }
        }
    }

    fn remember(&mut self, fault: Fault, database: &Database, command: &Command) {
        match (fault, command) {
            (Fault::TouchOverwrites, Command::Update(save)) => {
                if let Some(row) = database.row(save.id) {
                    self.before.insert(save.id, row.clone());
                }
            }
            (
                Fault::SaveInserts | Fault::EndedListed,
                Command::End { .. } | Command::DeleteBySubject { .. } | Command::Rotate { .. },
            ) => {
                for row in database.sessions() {
                    self.before.insert(row.id, row.clone());
                }
            }
            (Fault::RenewalsSlipThrough, command) if command.writes() => {
                let rows = database.sessions();
                let rows = rows.filter_map(|row| Some((row.id, row.subject.clone()?))).collect();
                self.snapshots.push_back((database.at_ms, rows));
                while self.snapshots.len() > 1 && self.snapshots.get(1).is_some_and(|(at, _)| at + 300 < database.at_ms)
                {
                    self.snapshots.pop_front();
                }
            }
            _ => {}
        }
    }

    /// What the fault does instead of the statement; nothing where it leaves it as it is.
    fn bend(
        &mut self,
        fault: Fault,
        database: &mut Database,
        command: &Command,
        context: &Context<'_>,
    ) -> Option<Answer> {
        match (fault, command) {
            (Fault::SaveInserts, Command::Update(save)) if database.row(save.id).is_none() => {
                let row = save.onto(self.before.get(&save.id)?);
                database.put(save.id, Some(Found::Session(row)));
                Some(Answer::Written(true))
            }
            (Fault::NoTombstone, Command::End { ids, .. }) => {
                for id in ids {
                    database.put(*id, None);
                }
                Some(Answer::Written(true))
            }
            (Fault::IgnoredGeneration | Fault::RetryWithoutReload, Command::Update(save)) => {
                let row = database.row(save.id).filter(|row| !row.is_expired(save.now))?;
                let lost = row.generation != save.generation;
                if lost && fault == Fault::RetryWithoutReload && context.chance.one_in(2) {
                    return None;
                }
                let saved = save.onto(row);
                database.put(save.id, Some(Found::Session(saved)));
                Some(Answer::Written(true))
            }
            (Fault::OldRowStays, Command::Rotate { old, .. }) => {
                let row = database.row(*old).cloned();
                let answer = database.apply(command, context.time);
                if let (Answer::Written(true), Some(row)) = (&answer, row) {
                    database.put(*old, Some(Found::Session(row)));
                }
                Some(answer)
            }
            (Fault::EndsOnlyOne, Command::End { ids, now }) => {
                let ids = ids.iter().rev().take(1).copied().collect();
                Some(database.apply(&Command::End { ids, now: *now }, context.time))
            }
            (Fault::SignInsSlipThrough, Command::End { ids, .. }) if ids.iter().all(|id| is_mark(*id)) => {
                Some(Answer::Written(true))
            }
            (
                Fault::RenewalsSlipThrough,
                Command::DeleteBySubject { subject, which: which @ (Which::All | Which::AllBut(_)), now },
            ) => {
                let kept = if let Which::AllBut(kept) = which { Some(*kept) } else { None };
                let (_, rows) = self.snapshots.front()?;
                let there: Vec<RowId> =
                    rows.iter().filter(|(id, of)| of == subject && Some(*id) != kept).map(|(id, _)| *id).collect();
                for id in &there {
                    database.put(*id, Some(Found::Ended(*now)));
                }
                Some(Answer::Count(there.len() as u64))
            }
            (Fault::CommitLies, Command::Update(_) | Command::Rotate { .. }) if context.chance.one_in(20) => {
                Some(Answer::Written(true))
            }
            (Fault::CommitLies, Command::Insert(_)) if context.chance.one_in(20) => Some(Answer::Inserted),
            (Fault::TouchOverwrites, Command::Touch { id, touch, .. }) => {
                let before = self.before.get(id)?.clone();
                database.row(*id)?;
                let row = Row { seen_at: touch.seen_at, expires_at: touch.expires_at, ..before };
                database.put(*id, Some(Found::Session(row)));
                Some(Answer::Written(true))
            }
            (Fault::TouchShortens, Command::Touch { id, generation, touch }) => {
                let row = database.live(*id, *generation, touch.seen_at)?.clone();
                let expires_at = touch.seen_at.plus_seconds(touch.expires_at.seconds_since(touch.seen_at) / 4);
                database.put(*id, Some(Found::Session(Row { seen_at: touch.seen_at, expires_at, ..row })));
                Some(Answer::Written(true))
            }
            (Fault::NotCounted, Command::Admit { old, new, .. }) => {
                let plain = match old {
                    Some((old, generation)) => Command::Rotate { old: *old, generation: *generation, new: new.clone() },
                    None => Command::Insert(new.clone()),
                };
                let done = matches!(database.apply(&plain, context.time), Answer::Written(true) | Answer::Inserted);
                Some(Answer::Admission(if done { Admission::Done } else { Admission::Conflict }))
            }
            _ => None,
        }
    }

    /// What the fault makes of an answer, or does after the statement.
    fn after(
        &mut self,
        fault: Fault,
        database: &mut Database,
        command: &Command,
        answer: Answer,
        context: Context<'_>,
    ) -> Answer {
        match (fault, command, answer) {
            (Fault::ExpiredLives, Command::Load(_), Answer::Found(mut found)) => {
                for found in &mut found {
                    if let Some(Found::Session(row)) = found {
                        row.expires_at = row.deadline().max(context.time.plus_seconds(60));
                        row.seen_at = row.seen_at.max(context.time.whole_seconds());
                    }
                }
                Answer::Found(found)
            }
            (Fault::AnswersSwapped, Command::Load(_), Answer::Found(mut found)) => {
                for found in &mut found {
                    if let Some(Found::Session(row)) = found {
                        let own = row.clone();
                        if let Some(other) = self.loaded.replace(own)
                            && context.chance.one_in(10)
                        {
                            *row = other;
                        }
                    }
                }
                Answer::Found(found)
            }
            (Fault::OrderOfMany, Command::Load(_), Answer::Found(mut found)) => {
                found.reverse();
                Answer::Found(found)
            }
            (Fault::EndMissesAbsent, Command::End { ids, .. }, answer) => {
                if let Some(copy) = context.copy {
                    let at_ms = database.at_ms;
                    for id in ids {
                        let missed = copy.get(database, *id, at_ms).is_none();
                        let before = self.before.get(id).cloned();
                        if let (true, Some(row)) = (missed, before) {
                            database.put(*id, Some(Found::Session(row)));
                        }
                    }
                }
                answer
            }
            (Fault::EndMissesAbsent, Command::Insert(row) | Command::Rotate { new: row, .. }, answer) => {
                self.before.insert(row.id, row.clone());
                answer
            }
            (Fault::EndedListed, Command::List { subject, .. }, Answer::Rows(mut rows)) => {
                let ended = self.before.values().filter(|row| row.subject.as_deref() == Some(subject));
                let ended = ended.filter(|row| matches!(database.get(row.id), Some(Found::Ended(_))));
                rows.extend(ended.cloned());
                Answer::Rows(rows)
            }
            (_, _, answer) => answer,
        }
    }
}

/// Whether an id is not a session's: a UUID of version 8.
pub(crate) fn is_mark(id: RowId) -> bool {
    id.to_string().as_bytes().get(14) == Some(&b'8')
}
