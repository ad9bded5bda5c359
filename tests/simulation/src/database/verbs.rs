//! What each statement does, as the documentation of [`Store`](waxseal_http::Store) has it.

use std::cmp::Reverse;

use waxseal_http::{Admission, Found, Limit, OverLimit, Row, RowId, TOMBSTONE_S, Timestamp, Which};

use super::{Answer, Command, Database, Save};

impl Database {
    /// Carries out a statement at once; `time` is the database's.
    pub(crate) fn apply(&mut self, command: &Command, time: Timestamp) -> Answer {
        match command {
            Command::Load(wanted) => Answer::Found(wanted.iter().map(|wanted| self.get(wanted.id).cloned()).collect()),
            Command::Insert(row) => match self.insert(row) {
                true => Answer::Inserted,
                false => Answer::AlreadyExists,
            },
            Command::Update(save) => Answer::Written(self.update(save)),
            Command::Touch { id, generation, touch } => {
                let live = self.live(*id, *generation, touch.seen_at).filter(|row| row.seen_at < touch.seen_at);
                let touched =
                    live.map(|row| Row { seen_at: touch.seen_at, expires_at: touch.expires_at, ..row.clone() });
                Answer::Written(self.replace(touched))
            }
            Command::Rotate { old, generation, new } => self.rotate(*old, *generation, new),
            Command::Admit { old, new, limit } => {
                let now = new.seen_at;
                let others = self.others(new, old.map(|(id, _)| id), limit);
                let over = (others.len() + 1).saturating_sub(limit.sessions as usize);
                if over > 0 && limit.over == OverLimit::Refuse {
                    return Answer::Admission(Admission::Refused);
                }
                let written = match old {
                    Some((old, generation)) => self.rotate(*old, *generation, new),
                    None => Answer::Written(self.insert(new)),
                };
                if !matches!(written, Answer::Written(true)) {
                    return Answer::Admission(Admission::Conflict);
                }
                for id in others.into_iter().take(over) {
                    self.put(id, Some(Found::Ended(now)));
                }
                Answer::Admission(Admission::Done)
            }
            Command::End { ids, now } => {
                for id in ids {
                    let before = self.get(*id).and_then(|found| match found {
                        Found::Ended(at) => Some(*at),
                        Found::Session(_) => None,
                    });
                    self.put(*id, Some(Found::Ended(before.map_or(*now, |at| at.max(*now)))));
                }
                Answer::Written(true)
            }
            Command::DeleteExpired { now, limit } => Answer::Count(self.delete_expired(*now, *limit)),
            Command::List { subject, now, page } => {
                let place = |row: &Row| (row.seen_at, row.id);
                let mut rows: Vec<Row> = self
                    .sessions()
                    .filter(|row| row.subject.as_deref() == Some(subject) && !row.is_expired(*now))
                    .filter(|row| page.after.is_none_or(|after| place(row) < after))
                    .map(|row| Row { data: Vec::new(), ..row.clone() })
                    .collect();
                rows.sort_unstable_by_key(|row| Reverse(place(row)));
                rows.truncate(page.limit as usize);
                Answer::Rows(rows)
            }
            Command::DeleteBySubject { subject, which, now } => {
                let ids = self.of_subject(subject, *which);
                for id in &ids {
                    self.put(*id, Some(Found::Ended(now.whole_seconds())));
                }
                Answer::Count(ids.len() as u64)
            }
            Command::EndedSince { since, limit } => {
                let ended = self.rows.iter().filter(|(_, found)| matches!(found, Found::Ended(at) if at >= since));
                Answer::Ids(ended.map(|(id, _)| *id).take(*limit as usize).collect())
            }
            Command::Now => Answer::Time(Some(time)),
        }
    }

    /// The row, where it has this generation and is live.
    pub(crate) fn live(&self, id: RowId, generation: u64, now: Timestamp) -> Option<&Row> {
        self.row(id).filter(|row| row.generation == generation && !row.is_expired(now))
    }

    /// A subject's sessions.
    pub(crate) fn of_subject(&self, subject: &str, which: Which) -> Vec<RowId> {
        let of_subject = self.sessions().filter(|row| row.subject.as_deref() == Some(subject)).map(|row| row.id);
        of_subject
            .filter(|id| match which {
                Which::All => true,
                Which::AllBut(kept) => *id != kept,
                Which::Only(one) => *id == one,
            })
            .collect()
    }

    fn insert(&mut self, row: &Row) -> bool {
        let free = self.get(row.id).is_none();
        if free {
            self.put(row.id, Some(Found::Session(row.clone())));
        }
        free
    }

    fn replace(&mut self, row: Option<Row>) -> bool {
        let Some(row) = row else { return false };
        self.put(row.id, Some(Found::Session(row)));
        true
    }

    fn update(&mut self, save: &Save) -> bool {
        let saved = self.live(save.id, save.generation, save.now).map(|row| save.onto(row));
        self.replace(saved)
    }

    fn rotate(&mut self, old: RowId, generation: u64, new: &Row) -> Answer {
        if self.live(old, generation, new.seen_at).is_none() {
            return Answer::Written(false);
        }
        if !self.insert(new) {
            return Answer::AlreadyExists;
        }
        self.put(old, Some(Found::Ended(new.seen_at.whole_seconds())));
        Answer::Written(true)
    }

    /// The live sessions of a new row's subject but the one that it replaces, the oldest first.
    fn others(&self, new: &Row, replaced: Option<RowId>, limit: &Limit) -> Vec<RowId> {
        let mut others: Vec<_> = self
            .sessions()
            .filter(|row| row.subject == new.subject && Some(row.id) != replaced && limit.counts(row, new.seen_at))
            .map(|row| (row.created_at, row.id))
            .collect();
        others.sort_unstable();
        others.into_iter().map(|(_, id)| id).collect()
    }

    fn delete_expired(&mut self, now: Timestamp, limit: u32) -> u64 {
        let due = |found: &Found| match found {
            Found::Session(row) => now.has_reached(row.expires_at),
            Found::Ended(at) => now.has_reached(at.plus_seconds(TOMBSTONE_S)),
        };
        let ids: Vec<RowId> =
            self.rows.iter().filter(|(_, found)| due(found)).map(|(id, _)| *id).take(limit as usize).collect();
        for id in &ids {
            self.put(*id, None);
        }
        ids.len() as u64
    }
}

impl Save {
    /// The row as this save leaves it.
    pub(crate) fn onto(&self, row: &Row) -> Row {
        Row {
            generation: row.generation + 1,
            data: self.data.clone(),
            label: self.label.clone().or_else(|| row.label.clone()),
            seen_at: self.touch.map_or(row.seen_at, |touch| touch.seen_at),
            expires_at: self.touch.map_or(row.expires_at, |touch| touch.expires_at),
            ..row.clone()
        }
    }
}
