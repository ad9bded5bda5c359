//! Settling a statement whose answer was lost: the store is asked until its effect is known.

use std::{sync::Arc, time::Duration};

use waxseal_core::RowId;

use crate::{
    Found, Row, Session, SessionError, Store, StoreError, Wanted,
    engine::Keeping,
    session::{
        save::{Landed, Recorded},
        statement::Statement,
    },
};

/// The waits between the questions, in milliseconds: after a lost connection, a COMMIT can become visible some hundred
/// milliseconds later.
const WAITS_MS: [u64; 5] = [0, 50, 100, 250, 400];

/// How to recognise a statement's effect in the row that it wrote.
#[derive(Clone)]
pub(crate) enum Trace {
    /// A row of this id is there.
    Row(RowId),
    /// The row has this generation and these sealed data, which no other writer can have made.
    Update { id: RowId, generation: u64, data: Vec<u8> },
}

/// A statement whose effect is not known yet, and what must be recorded if it took effect.
pub(crate) struct Unsettled {
    pub(crate) trace: Trace,
    pub(crate) landed: Landed,
    pub(crate) recorded: Recorded,
}

pub(crate) enum Settled {
    Landed,
    NotLanded,
    /// The store does not answer, or others have written since.
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
            // Another process has written since: on this change, or without it.
            Self::Update { generation, .. } if row.generation > *generation => Settled::Unknown,
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

    /// Asks whether the statement that returned `error` took effect: once if the store says that it failed, and for about a
    /// second if the connection was lost.
    pub(crate) async fn settle(&self, store: &Arc<dyn Store>, error: &StoreError) -> Settled {
        let waits = match error {
            StoreError::Unknown(_) => &WAITS_MS[..],
            StoreError::Backend(_) => &WAITS_MS[..1],
            _ => return Settled::NotLanded,
        };
        let mut settled = Settled::Unknown;
        for wait in waits {
            if *wait > 0 {
                tokio::time::sleep(Duration::from_millis(*wait)).await;
            }
            settled = self.look(store.as_ref()).await;
            if matches!(settled, Settled::Landed) {
                tracing::warn!(row_id = %self.id(), %error, "session saved, although the store's answer was lost");
                return settled;
            }
        }
        settled
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
        if let Statement::End { .. } = statement {
            return end_again(store, statement, error).await;
        }
        let (Some(trace), Some((landed, recorded))) = (statement.trace(), landing) else { return Err(error.into()) };
        match trace.settle(store, &error).await {
            Settled::Landed => return Ok(()),
            Settled::NotLanded => {}
            Settled::Unknown => {
                let landed = landed.clone();
                self.state().unsettled = Some(Box::new(Unsettled { trace, landed, recorded: recorded.clone() }));
            }
        }
        Err(error.into())
    }

    /// Finds out whether an earlier save of this request took effect, before it is tried again, so that nothing is done twice.
    pub(super) async fn settle_unsettled(&self) -> Result<(), SessionError> {
        let Some(unsettled) = self.state().unsettled.take() else { return Ok(()) };
        let Keeping::Rows { store, .. } = &self.0.engine.keeping else { return Ok(()) };
        match self.wait(unsettled.trace.look(store.as_ref())).await? {
            Settled::Landed => {
                let Unsettled { landed, recorded, .. } = *unsettled;
                self.wait(self.check_sign_in(store, &landed, &recorded)).await??;
                self.land(landed, &recorded);
                Ok(())
            }
            Settled::NotLanded => Ok(()),
            Settled::Unknown => {
                self.state().unsettled = Some(unsettled);
                Err(StoreError::unknown("an earlier save of this request is not settled yet").into())
            }
        }
    }
}

/// Ends sessions again after a lost connection: ending may be repeated, so a sign-out does not depend on one answer.
pub(super) async fn end_again(
    store: &Arc<dyn Store>,
    statement: &Statement,
    error: StoreError,
) -> Result<(), SessionError> {
    let mut error = error;
    for wait in WAITS_MS {
        if !matches!(error, StoreError::Unknown(_)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(wait)).await;
        match statement.run(store).await {
            Ok(_) => return Ok(()),
            Err(again) => error = again,
        }
    }
    Err(error.into())
}
