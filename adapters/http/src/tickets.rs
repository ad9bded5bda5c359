//! The tickets of a request: which of its cookies are ours, and why the others are not.

use waxseal_core::{RowContext, RowId, Ticket, TicketError, Timestamp};

use crate::{
    cookie::Cookies,
    engine::{Engine, Keeping},
    metrics,
};

/// The authentic tickets of a request, in the order of its cookies: usually one, so that `more` allocates nothing.
#[derive(Default)]
pub(crate) struct Tickets {
    first: Option<Ticket>,
    more: Vec<Ticket>,
    /// A cookie was made with a key that this node does not hold. Another node may hold it, so the cookie must not simply be
    /// replaced.
    pub(crate) unknown_key: bool,
    /// A cookie came under a former name.
    pub(crate) aliased: bool,
    /// They were opened before the time was known.
    pub(crate) untimed: bool,
}

impl Tickets {
    fn push(&mut self, ticket: Ticket) {
        match self.first {
            None => self.first = Some(ticket),
            Some(_) => self.more.push(ticket),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Ticket> {
        self.first.iter().chain(&self.more)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Ticket> {
        match index.checked_sub(1) {
            None => self.first.as_ref(),
            Some(index) => self.more.get(index),
        }
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.len()
    }
}

/// The refused cookies of one request: one event, however many there are.
#[derive(Default)]
struct Refused {
    count: u32,
    forged: u32,
    last: Option<TicketError>,
}

impl Refused {
    fn add(&mut self, reason: TicketError) {
        metrics::refused(&reason);
        self.count += 1;
        self.forged += u32::from(reason == TicketError::Forged);
        self.last = Some(reason);
    }

    fn tell(&self) {
        let Some(reason) = self.last else { return };
        let (refused, forged) = (self.count, self.forged);
        if forged > 0 || matches!(reason, TicketError::UnknownKey(_) | TicketError::NotYetValid) {
            tracing::warn!(refused, forged, %reason, "session cookies refused");
        } else {
            tracing::debug!(refused, %reason, "session cookies refused");
        }
    }
}

/// What a row is bound to, as [`Ticket::row_context`] tells, for an id that is known: computing it again is a hash.
pub(crate) fn row_context(ticket: &Ticket, row_id: RowId, generation: u64) -> RowContext<'_> {
    RowContext {
        row_id,
        generation,
        created_at: ticket.created_at(),
        lifetime_s: ticket.lifetime_s(),
        subject: ticket.subject(),
    }
}

impl Engine {
    /// The presented cookies that are ours. All refusals look the same to the client; the log has the reason.
    pub(crate) fn tickets(&self, cookies: &Cookies) -> Tickets {
        let now = self.now();
        let untimed = !self.time.is_known();
        let (mut tickets, mut refused) = (Tickets { untimed, ..Tickets::default() }, Refused::default());
        self.open_named(self.cookie.cookie_name(), cookies, now, &mut tickets, &mut refused);
        for alias in &self.cookie_aliases {
            let before = tickets.len();
            self.open_named(alias, cookies, now, &mut tickets, &mut refused);
            tickets.aliased |= tickets.len() > before;
        }
        refused.tell();
        tickets
    }

    fn open_named(&self, name: &str, cookies: &Cookies, now: Timestamp, tickets: &mut Tickets, refused: &mut Refused) {
        for value in cookies.candidates(name) {
            match self.keyring.open_ticket(name, value, now) {
                Ok(ticket) => match self.refusal(&ticket, now) {
                    None => tickets.push(ticket),
                    Some(reason) => {
                        metrics::refused_by_policy();
                        tracing::debug!(row_id = %ticket.row_id(), reason, "session cookie refused");
                    }
                },
                Err(reason) => {
                    tickets.unknown_key |= matches!(reason, TicketError::UnknownKey(_));
                    refused.add(reason);
                }
            }
        }
    }

    /// Why an authentic ticket is refused here, if it is.
    fn refusal(&self, ticket: &Ticket, now: Timestamp) -> Option<&'static str> {
        match (&self.keeping, ticket.is_stateless()) {
            (Keeping::Rows { .. }, true) => {
                return Some("it belongs to a stateless session, but these sessions have a store");
            }
            (Keeping::Stateless, false) => return Some("its session has a row, and these sessions are stateless"),
            _ => {}
        }
        if now.has_reached(self.ticket_deadline(ticket)) {
            return Some("it is past the lifetime configured now");
        }
        let idle_expiry = self.timeouts.bounded_expiry(ticket.issued_at(), ticket.expires_at());
        (ticket.is_stateless() && now.has_reached(idle_expiry)).then_some("the idle timeout is reached")
    }
}
