//! What a request may do from its start on.

use waxseal_http::RowId;

use super::{
    MARGIN_MS, Model, NEVER, Pending,
    records::{Number, Threat},
};
use crate::{
    application::{Act, Ending, Request},
    node::Keys,
};

impl Model {
    /// A request begins on a node with these keys.
    pub(crate) fn begin(&mut self, request: &Request, node_keys: Keys, at: u64) {
        let cookies = request.cookies.iter().filter_map(|value| self.cookies.get(value));
        let presented: Vec<(RowId, u64)> = cookies.map(|cookie| (cookie.row, cookie.generation)).collect();
        let mut books = Vec::new();
        for (id, _) in &presented {
            if let Some(row) = self.rows.get_mut(id) {
                row.presented(at, MARGIN_MS);
                books.extend(row.book);
            }
        }
        for act in &request.acts {
            match act {
                Act::Append(number) => {
                    let forbidden = request.ending != Ending::Ok && !request.saves;
                    self.numbers.insert(*number, Number { books: books.clone(), forbidden, written: None });
                }
                Act::Note(value) => {
                    for book in &books {
                        self.notes[*book].attempted(request.id, *value, at);
                    }
                }
                Act::SignOut | Act::Renew => self.threaten(&presented, at),
                Act::SignIn { user, .. } => {
                    self.threaten(&presented, at);
                    if self.limit.is_some() {
                        self.threaten_user(request.id, user, at);
                    }
                }
                Act::Revoke(id) => {
                    // It may not be known yet: a list shows a session before its own request has ended.
                    self.revoked_by_id.entry(*id).or_insert(at);
                    self.threaten(&[(*id, 0)], at);
                    if presented.iter().any(|(own, _)| own == id) {
                        self.threaten(&presented, at);
                    }
                }
                Act::RevokeOthers => {
                    let users: Vec<String> =
                        presented.iter().filter_map(|(id, _)| self.rows.get(id)?.subject.clone()).collect();
                    for user in users {
                        self.threaten_user(request.id, &user, at);
                    }
                }
                Act::PutCode(_) | Act::TakeCode | Act::List => {}
            }
        }
        let request = request.clone();
        self.pending.insert(request.id, Pending { request, start: at, node_keys, presented });
    }

    /// An operator begins to end all sessions of a user.
    pub(crate) fn revocation_begins(&mut self, by: u64, user: &str, at: u64) {
        self.threaten_user(by, user, at);
    }

    fn threaten(&mut self, rows: &[(RowId, u64)], at: u64) {
        for (id, _) in rows {
            if let Some(row) = self.rows.get_mut(id) {
                row.threaten(at);
            }
        }
    }

    fn threaten_user(&mut self, by: u64, user: &str, at: u64) {
        self.threats.push(Threat { by, subject: user.into(), start: at, over: NEVER });
        for row in self.rows.values_mut().filter(|row| row.subject.as_deref() == Some(user)) {
            row.threaten(at);
        }
    }
}
