//! Saving: turns what a request recorded into one statement on the newest row.
//!
//! A save waits in its request's own future: for its turn among the requests that change the same row, and for a place among the
//! statements under way ([`carry_out`](super::carry_out)).

use std::{sync::Arc, time::Duration};

use http::HeaderValue;
use tokio::sync::OwnedMutexGuard;
use tracing::Instrument;
use waxseal_core::{Changes, Data, RowId, Ticket};

use crate::{
    Outcome, Session, SessionError, Wanted,
    engine::Keeping,
    metrics,
    queue::{Place, Queues, Turn},
    session::{Behind, Live, Renewal, State, load::Loaded, statement::Statement},
    spans,
};

/// How often a save is tried again on newer data. Requests of one process queue, so only other processes cause this.
const MAX_ATTEMPTS: u32 = 100;

/// What must be saved, as of one moment.
pub(crate) struct Work {
    pub(crate) ticket: Option<Ticket>,
    behind: Behind,
    changes: Changes,
    pub(crate) renewal: Renewal,
    pub(crate) label: Option<String>,
    committed: bool,
    epoch: u64,
    /// The stored data that the changes apply to.
    base: Arc<Data>,
    /// The data with the changes applied, if they are known.
    view: Option<Data>,
}

/// The recorded changes that a statement includes.
#[derive(Clone)]
pub(crate) struct Recorded {
    changes: usize,
    pub(super) renewal: Renewal,
    label: Option<String>,
    epoch: u64,
}

impl Recorded {
    /// Whether the request has discarded these changes, or has none left.
    pub(super) fn is_forgotten(&self, state: &State) -> bool {
        state.epoch != self.epoch || !state.has_changes()
    }

    /// Forgets exactly these changes: a clone of the handle may have recorded more in the meantime, or have discarded them.
    pub(super) fn settle(&self, state: &mut State) {
        if state.epoch == self.epoch {
            state.changes.forget_first(self.changes);
        }
        if state.renewal == self.renewal {
            state.renewal = Renewal::None;
        }
        if state.label == self.label {
            state.label = None;
        }
        state.outdate();
    }
}

impl Work {
    pub(super) fn recorded(&self) -> Recorded {
        Recorded {
            changes: self.changes.len(),
            renewal: self.renewal.clone(),
            label: self.label.clone(),
            epoch: self.epoch,
        }
    }

    /// Whether there is another label to save than the present one.
    fn has_new_label(&self, live: &Live) -> bool {
        self.label.is_some() && self.label != live.label
    }
}

/// The session after a statement.
#[derive(Clone)]
pub(crate) struct Landed {
    pub(crate) ticket: Option<Ticket>,
    pub(crate) live: Live,
    pub(crate) cookie: Option<HeaderValue>,
}

/// What a save holds while it runs: nobody else loads or saves this session, or changes its row.
pub(crate) struct Hold {
    _busy: OwnedMutexGuard<()>,
    pub(super) turn: Option<Turn>,
}

/// The next statement of a save.
enum Plan {
    Run(Statement, Landed, Outcome),
    /// A touch: if it fails, nothing else does.
    Touch(Statement, Landed),
    Done(Outcome),
}

impl Session {
    /// Saves what is recorded, or touches the session. On an error everything stays recorded.
    pub(crate) async fn write(&self, touch: bool) -> Result<Outcome, SessionError> {
        let span = spans::save();
        let written = self.write_in_turn(touch).instrument(span.clone()).await;
        spans::saved(&span, self, &written);
        written
    }

    async fn write_in_turn(&self, touch: bool) -> Result<Outcome, SessionError> {
        let busy = self.wait(self.0.busy.clone().lock_owned()).await?;
        let mut hold = Hold { _busy: busy, turn: None };
        self.ready().await?;
        // A sign-out ends whatever an unsettled statement may have made.
        if self.is_unsettled() && !self.state().ending {
            Box::pin(self.settle_unsettled()).await?;
        }
        let mut ended = Outcome::Unchanged;
        // A sign-out also ends another system's session.
        if self.0.engine.adopter.is_some() && matches!(self.state().behind, Behind::Unread) {
            Box::pin(self.load_while_busy()).await?;
        }
        if self.state().ending {
            (hold, ended) = Box::pin(self.end(hold)).await?;
            if !self.state().has_changes() {
                return Ok(ended);
            }
        }
        for conflicts in 0..MAX_ATTEMPTS {
            if matches!(self.state().behind, Behind::Unread) {
                Box::pin(self.load_while_busy()).await?;
            }
            self.take_turn(&mut hold).await?;
            let mut work = self.work();
            let (statement, landed, outcome) = match self.plan(&mut work, touch)? {
                Plan::Done(Outcome::Unchanged) => return Ok(ended),
                Plan::Done(outcome) => return Ok(outcome),
                Plan::Touch(statement, landed) => {
                    let (_, touched) = self.execute(hold, statement, Some((landed, work.recorded()))).await?;
                    return Ok(match touched {
                        Ok(true) => Outcome::Touched,
                        // A cookie only if the row took the touch: otherwise another request has a newer one.
                        Ok(false) => Outcome::Unchanged,
                        Err(error) => {
                            tracing::warn!(row_id = ?self.row_id(), %error, "session not touched");
                            Outcome::Unchanged
                        }
                    });
                }
                Plan::Run(statement, landed, outcome) => (statement, landed, outcome),
            };
            if work.renewal.is_sign_in() {
                Box::pin(self.refuse_sign_in(&work)).await?;
            }
            let (held, written) = self.execute(hold, statement, Some((landed, work.recorded()))).await?;
            hold = held;
            if written? {
                return Ok(outcome);
            }
            // The row has another generation, or is gone: load it and try again.
            metrics::conflict();
            if self.is_unsettled() && Box::pin(self.settle_unsettled()).await? {
                continue;
            }
            if conflicts > 0 {
                let wait = self.0.engine.randomness.wait(longest_wait(conflicts));
                self.wait(tokio::time::sleep(wait)).await?;
            }
            Box::pin(self.reload()).await?;
        }
        Err(SessionError::Contended { attempts: MAX_ATTEMPTS })
    }

    fn is_unsettled(&self) -> bool {
        !self.state().unsettled.is_empty()
    }

    /// Whether a row must be written although its data do not change: so that an earlier statement can no longer take effect.
    fn must_overtake(&self, work: &Work) -> bool {
        !work.changes.is_empty() && self.is_unsettled()
    }

    /// What must be done now.
    fn plan(&self, work: &mut Work, touch: bool) -> Result<Plan, SessionError> {
        let engine = &self.0.engine;
        let data = work.view.take().unwrap_or_else(|| {
            let mut data = Data::clone(&work.base);
            for error in work.changes.apply_what_fits(&mut data) {
                tracing::error!(row_id = ?self.row_id(), %error, "a change cannot be applied to the session and is dropped; the others are saved");
            }
            data
        });
        let (now, signs_in) = (engine.now(), work.renewal.is_sign_in());
        let (statement, landed, outcome) = match (&work.behind, &work.ticket) {
            (Behind::Live(_), Some(_)) if work.renewal != Renewal::None && work.committed => {
                return Err(SessionError::TooLate);
            }
            (Behind::Live(live), Some(ticket)) if work.renewal != Renewal::None => {
                let (statement, landed) = engine.rotate(work, live, ticket, data, now)?;
                (statement, landed, Outcome::Renewed)
            }
            (Behind::Live(live), Some(ticket))
                if data != *live.data || work.has_new_label(live) || self.must_overtake(work) =>
            {
                let (statement, landed) = engine.update(work, live, ticket, data, now)?;
                (statement, landed, Outcome::Saved)
            }
            (Behind::Live(live), Some(ticket)) if touch && engine.touch_due(ticket, live) => {
                let (statement, landed) = engine.touch(live, ticket, now);
                return Ok(Plan::Touch(statement, landed));
            }
            (Behind::Gone, _) if !signs_in => {
                let why = "it was ended or renewed by another request";
                return Ok(Plan::Done(self.lose(work, why)));
            }
            (Behind::Live(_), _) => return Ok(Plan::Done(self.unchanged(work))),
            _ if data.is_empty() && !signs_in => return Ok(Plan::Done(self.unchanged(work))),
            // Another node may hold the key: its user must not lose their session to an anonymous one.
            _ if self.tickets().unknown_key && !signs_in && !self.state().ended => {
                let why = "its cookie was made with a key that this node does not hold";
                return Ok(Plan::Done(self.lose(work, why)));
            }
            _ if work.committed => return Err(SessionError::TooLate),
            _ => {
                let (statement, landed) = engine.create(work, data, now)?;
                (statement, landed, Outcome::Created)
            }
        };
        Ok(Plan::Run(statement, landed, outcome))
    }

    fn work(&self) -> Work {
        let mut state = self.state();
        Work {
            view: state.take_view(),
            base: state.base(self.tickets()).clone(),
            behind: state.behind.clone(),
            changes: state.changes.clone(),
            renewal: state.renewal.clone(),
            label: state.label.clone(),
            committed: state.committed,
            epoch: state.epoch,
            ticket: self.ticket(&state).cloned(),
        }
    }

    /// Waits for this save's turn among those of the same row. What another request of this process has written in the meantime
    /// is taken from it: asking the database would cost every waiting request another round trip.
    async fn take_turn(&self, hold: &mut Hold) -> Result<(), SessionError> {
        if hold.turn.is_some() {
            return Ok(());
        }
        let (id, generation) = match (&self.0.engine.keeping, &self.state().behind) {
            (Keeping::Rows { .. }, Behind::Live(live)) => (live.id, live.generation),
            _ => return Ok(()),
        };
        let place = self.0.engine.queues.join(id).ok_or(SessionError::Crowded)?;
        let turn = match place.turn_now() {
            Ok(turn) => turn,
            Err(place) => {
                self.share_what_is_known(&place);
                self.wait(place.turn()).await?
            }
        };
        let newer = turn.newer_than(generation);
        hold.turn = Some(turn);
        if let Some(live) = newer {
            let mut state = self.state();
            state.behind = Behind::Live(live);
            state.outdate();
        }
        Ok(())
    }

    /// Waits for this request's turn in one of the other queues.
    pub(super) async fn turn_in(&self, queues: &Queues, id: RowId) -> Result<Turn, SessionError> {
        let place = queues.join(id).ok_or(SessionError::Crowded)?;
        self.wait(place.turn()).await
    }

    /// Frees the data that this request needs only when its turn comes: hundreds may wait, and their data may be large.
    fn share_what_is_known(&self, place: &Place) {
        let mut state = self.state();
        if let Behind::Live(live) = &mut state.behind {
            place.share(live);
        }
        state.outdate();
    }

    /// Loads the session's row as it is now.
    pub(super) async fn reload(&self) -> Result<(), SessionError> {
        let ticket = self.ticket(&self.state()).cloned();
        let (Some(ticket), Keeping::Rows { store, .. }) = (ticket, &self.0.engine.keeping) else { return Ok(()) };
        let behind = match self.load_ticket(store, &ticket, Wanted::newest(ticket.row_id())).await? {
            Loaded::Live(live) => Behind::Live(live),
            Loaded::Ended(_) | Loaded::Nothing | Loaded::Expired(_) => Behind::Gone,
        };
        let mut state = self.state();
        state.behind = behind;
        state.outdate();
        Ok(())
    }

    /// Nothing must be written.
    fn unchanged(&self, work: &Work) -> Outcome {
        work.recorded().settle(&mut self.state());
        Outcome::Unchanged
    }

    /// Drops the changes, and logs it.
    fn lose(&self, work: &Work, why: &'static str) -> Outcome {
        let id = work.ticket.as_ref().map(|ticket| ticket.row_id().to_string());
        tracing::warn!(row_id = id, changes = ?work.changes, why, "session not saved; this request's changes are dropped");
        let mut state = self.state();
        work.recorded().settle(&mut state);
        // An early `save` may have stored a cookie for the response. Its session has ended, so it is not sent; a removal still is.
        if !state.ended {
            state.cookie = None;
        }
        Outcome::Gone
    }
}

/// The longest of the random waits. They grow with the conflicts, up to 64 ms, so that colliding processes separate.
const fn longest_wait(conflicts: u32) -> Duration {
    let doublings = if conflicts < 6 { conflicts } else { 6 };
    Duration::from_millis(1 << doublings)
}
