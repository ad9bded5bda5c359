//! salvo-session's `saysion::Session` on top of ours: filled before the handlers, compared after them.

use std::collections::BTreeMap;

use salvo_core::Depot;
use salvo_session::{Session as Stock, SessionDepotExt};
use waxseal_http::{Mismatch, Refusal, Session, SessionError, ValueError};

use crate::saysion;

/// The saysion session as it was given to the handlers.
pub(crate) struct SaysionSession {
    id: String,
    before: BTreeMap<String, String>,
}

impl SaysionSession {
    /// Loads the session and puts saysion's view of it into the depot.
    pub(crate) async fn fill(session: &Session, depot: &mut Depot) -> Result<Self, SessionError> {
        let data = session.entries().await?;
        let mut stock = Stock::new();
        let mut before = BTreeMap::new();
        for (key, value) in data.iter() {
            let text =
                serde_json::to_string(value).map_err(|_| ValueError::from(Mismatch::Deserialize).for_key(key))?;
            stock.insert_raw(key, text.clone());
            before.insert(key.to_owned(), text);
        }
        stock.reset_data_changed();
        let id = stock.id().to_owned();
        depot.set_session(stock);
        Ok(Self { id, before })
    }

    /// Records what the handlers changed.
    pub(crate) fn record(self, session: &Session, depot: &mut Depot) -> Result<(), SessionError> {
        // If a handler has taken it out of the depot, there is nothing to compare.
        let Some(stock) = depot.take_session() else { return Ok(()) };
        if stock.is_destroyed() {
            session.destroy();
            return Ok(());
        }
        if stock.id() != self.id {
            session.renew();
        }
        let after = saysion::entries(&stock).map_err(|_| ValueError::from(Refusal::Serialize))?;
        for key in self.before.keys().filter(|key| !after.contains_key(*key)) {
            session.remove(key);
        }
        for (key, text) in after.iter().filter(|(key, text)| self.before.get(*key) != Some(text)) {
            session.insert(key, saysion::value(key, text)?)?;
        }
        Ok(())
    }
}
