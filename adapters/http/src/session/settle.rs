//! Settling a statement whose answer was lost: the store is asked until its effect is known.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use waxseal_core::{RowId, Ticket};

use crate::{
    Found, Row, Session, SessionError, Store, StoreError, Wanted,
    engine::Keeping,
    session::{
        save::{Landed, Recorded},
        state::State,
        statement::Statement,
    },
    wait::Pauses,
};

/// After a lost connection, a COMMIT can become visible some hundred milliseconds later: a "no" is asked again for this long.
const LATE: Duration = Duration::from_millis(800);

/// How to recognise a statement's effect in the row that it wrote.
#[derive(Clone)]
pub(crate) enum Trace {
    /// A row of this id is there.
    Row(RowId),
    /// The row has this generation and these sealed data, which no other writer can have made.
    Update { id: RowId, generation: u64, data: Vec<u8> },
}

/// A statement whose effect is not known, and what must be recorded if it took effect.
///
/// It is kept until another statement of its request has taken effect, even if the row does not show it: a server that did not
/// answer in time may still be executing it.
#[derive(Clone)]
pub(crate) struct Unsettled {
    pub(crate) trace: Trace,
    pub(crate) landed: Landed,
    pub(crate) recorded: Recorded,
}

pub(crate) enum Settled {
    Landed,
    NotLanded,
    /// Others have written since: on this change, or without it.
    Overwritten,
    /// The store does not answer.
    Unknown,
}

impl Trace {
    const fn id(&self) -> RowId {
        match self {
            Self::Row(id) | Self::Update { id, .. } => *id,
        }
    }

    fn found_in(&self, found: Option<Found>) -> Settled {
        let row = match (self, found) {
            (Self::Row(_), Some(_)) => return Settled::Landed,
            (Self::Row(_), None) | (_, None | Some(Found::Ended(_))) => return Settled::NotLanded,
            (_, Some(Found::Session(row))) => row,
        };
        self.is_in(&row)
    }

    fn is_in(&self, row: &Row) -> Settled {
        match self {
            Self::Update { generation, data, .. } if row.generation == *generation && row.data == *data => {
                Settled::Landed
            }
            Self::Update { generation, .. } if row.generation > *generation => Settled::Overwritten,
            _ => Settled::NotLanded,
        }
    }

    /// Asks once whether the statement took effect.
    pub(crate) async fn look(&self, store: &dyn Store) -> Settled {
        match store.load(Wanted::newest(self.id())).await {
            Ok(found) => self.found_in(found),
            Err(StoreError::Damaged(_)) => Settled::NotLanded,
            Err(_) => Settled::Unknown,
        }
    }

    /// Asks whether the statement that returned `error` took effect. If the store says that it failed, it is asked once. If the
    /// connection was lost, it is asked until it answers, for at most `bound`; a "no" is asked again for 0.8 seconds.
    pub(crate) async fn settle(&self, store: &Arc<dyn Store>, error: &StoreError, bound: Duration) -> Settled {
        let lost = matches!(error, StoreError::Unknown(_));
        if !lost && !matches!(error, StoreError::Backend(_)) {
            return Settled::NotLanded;
        }
        let (mut settled, mut pauses, mut said_no) = (Settled::Unknown, Pauses::within(bound), None);
        while pauses.next().await {
            settled = self.look(store.as_ref()).await;
            match settled {
                Settled::Landed => {
                    tracing::warn!(row_id = %self.id(), %error, "session saved, although the store's answer was lost");
                    break;
                }
                Settled::Overwritten => break,
                _ if !lost => break,
                Settled::NotLanded if said_no.get_or_insert_with(Instant::now).elapsed() >= LATE => break,
                Settled::NotLanded | Settled::Unknown => {}
            }
        }
        settled
    }
}

impl State {
    /// The sessions that statements of unknown effect may have made.
    pub(super) fn unsettled_ids(&self) -> impl Iterator<Item = RowId> {
        self.unsettled.iter().filter_map(|unsettled| unsettled.landed.ticket.as_ref()).map(Ticket::row_id)
    }
}

impl Session {
    /// Finds out whether a statement that returned an error took effect. An error if it did not, or if nobody knows.
    pub(super) async fn settle(
        &self,
        store: &Arc<dyn Store>,
        statement: &Statement,
        landing: &Option<(Landed, Recorded)>,
        error: StoreError,
    ) -> Result<(), SessionError> {
        let bound = self.0.engine.max_wait;
        if let Statement::End { .. } = statement {
            return end_again(store, statement, error, bound).await;
        }
        let (Some(trace), Some((landed, recorded))) = (statement.trace(), landing) else { return Err(error.into()) };
        let is_final = match trace.settle(store, &error, bound).await {
            Settled::Landed => return Ok(()),
            // After a lost answer it may still be under way.
            Settled::NotLanded => !matches!(error, StoreError::Unknown(_)),
            Settled::Overwritten | Settled::Unknown => false,
        };
        if !is_final {
            self.keep_unsettled(trace, landed, recorded);
        }
        Err(error.into())
    }

    /// Keeps a statement whose effect must be found out before its changes are saved again.
    pub(super) fn keep_unsettled(&self, trace: Trace, landed: &Landed, recorded: &Recorded) {
        let unsettled = Unsettled { trace, landed: landed.clone(), recorded: recorded.clone() };
        self.state().unsettled.push(unsettled);
    }

    /// Finds out whether an earlier save of this request took effect, before its changes are saved again, so that nothing is
    /// done twice. `true` if one did.
    pub(super) async fn settle_unsettled(&self) -> Result<bool, SessionError> {
        let all = self.state().unsettled.clone();
        let Keeping::Rows { store, .. } = &self.0.engine.keeping else { return Ok(false) };
        for Unsettled { trace, landed, recorded } in all {
            match self.wait(trace.look(store.as_ref())).await? {
                Settled::Landed => {
                    self.wait(self.check_sign_in(store, &landed, &recorded)).await??;
                    self.state().unsettled.clear();
                    self.land(landed, &recorded);
                    return Ok(true);
                }
                Settled::NotLanded => {}
                // Its changes were discarded: nothing can be done twice.
                Settled::Overwritten if recorded.is_forgotten(&self.state()) => {}
                Settled::Overwritten | Settled::Unknown => {
                    return Err(StoreError::unknown("an earlier save of this request is not settled yet").into());
                }
            }
        }
        Ok(false)
    }

    /// Ends what earlier statements of this request may still make, after another one has taken effect: a session that nobody has a
    /// cookie for.
    pub(super) async fn end_strays(&self, store: &Arc<dyn Store>, landed: &Landed) {
        let strays: Vec<RowId> = self.state().unsettled_ids().filter(|id| *id != landed.live.id).collect();
        if strays.is_empty() {
            return;
        }
        if let Err(error) = store.end_many(&strays, self.0.engine.now()).await {
            tracing::warn!(row_ids = ?strays, %error, "sessions that nobody has a cookie for may remain until they expire");
        }
    }
}

/// Ends sessions again after a lost connection, for at most `bound`: ending may be repeated, so a sign-out does not depend on one
/// answer.
pub(super) async fn end_again(
    store: &Arc<dyn Store>,
    statement: &Statement,
    error: StoreError,
    bound: Duration,
) -> Result<(), SessionError> {
    if !matches!(error, StoreError::Unknown(_)) {
        return Err(error.into());
    }
    let (mut error, mut pauses) = (error, Pauses::within(bound));
    while pauses.next().await {
        match statement.run(store).await {
            Ok(_) => return Ok(()),
            Err(again) => error = again,
        }
    }
    Err(error.into())
}
