//! Poem's own `poem::session::Session` on top of ours: filled before the handler, compared after it.

use std::collections::BTreeMap;

use poem::{
    Request,
    session::{Session as Stock, SessionStatus},
};
use serde_json::Value as Json;
use waxseal_http::{Session, SessionError};

/// Poem's session as it was given to the handler.
pub(crate) struct PoemSession {
    stock: Stock,
    before: BTreeMap<String, Json>,
}

impl PoemSession {
    /// Loads the session and puts Poem's view of it into the request.
    pub(crate) async fn fill(session: &Session, req: &mut Request) -> Result<Self, SessionError> {
        let data = session.entries().await?;
        let stock = Stock::default();
        for (key, value) in data.iter() {
            stock.set(key, value);
        }
        req.extensions_mut().insert(stock.clone());
        Ok(Self { before: stock.entries(), stock })
    }

    /// Records what the handler changed. Poem's status is `Changed` in any case, so the entries are compared.
    pub(crate) fn record(self, session: &Session) -> Result<(), SessionError> {
        match self.stock.status() {
            SessionStatus::Purged => {
                session.destroy();
                return Ok(());
            }
            SessionStatus::Renewed => session.renew(),
            SessionStatus::Changed | SessionStatus::Unchanged => {}
        }
        let after = self.stock.entries();
        for key in self.before.keys().filter(|key| !after.contains_key(*key)) {
            session.remove(key);
        }
        for (key, value) in after.iter().filter(|(key, value)| self.before.get(*key) != Some(value)) {
            session.insert(key, value)?;
        }
        Ok(())
    }
}
