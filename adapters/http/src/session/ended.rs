//! Waiting for the end of a session: for handlers that keep running after their response has begun.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use waxseal_core::{RowId, Ticket};

use crate::{
    Session, SessionError, Store, Wanted,
    engine::Keeping,
    session::{Behind, load::Loaded},
};

/// A store that fails is asked again after this time: a failure does not mean that the session has ended.
const AGAIN: Duration = Duration::from_secs(1);

impl Session {
    /// Waits until the session has ended: it was signed out or revoked, here or on another device, was renewed, or has expired.
    /// For event streams and WebSockets, which would otherwise continue for a user who has signed out.
    ///
    /// It resolves at once for changes by this process and, if the store receives notices
    /// ([`Cached::notified`](crate::Cached::notified)), for all others; otherwise the store is asked every few seconds. A renewal
    /// resolves it too, because the session continues under another cookie: let the client reconnect. Waiting does not keep the
    /// session alive.
    ///
    /// Resolves at once if there is no live session. An error if the session cannot be loaded at first; a store that fails later
    /// is asked again until it answers.
    ///
    /// ```no_run
    /// # async fn stream(session: waxseal_http::Session, mut events: tokio::sync::mpsc::Receiver<String>) -> Result<(), waxseal_http::SessionError> {
    /// let ended = session.ended();
    /// tokio::pin!(ended);
    /// loop {
    ///     tokio::select! {
    ///         _ = &mut ended => break,
    ///         event = events.recv() => match event { Some(_event) => { /* send it */ } None => break },
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn ended(&self) -> Result<(), SessionError> {
        self.load().await?;
        let ticket = {
            let state = self.state();
            match (&state.behind, self.ticket(&state)) {
                (Behind::Live(_), Some(ticket)) if !state.ending => ticket.clone(),
                _ => return Ok(()),
            }
        };
        match &self.0.engine.keeping {
            Keeping::Stateless => self.until_expired(&ticket).await,
            Keeping::Rows { store, .. } => self.until_ended(store.as_ref(), &ticket).await,
        }
        Ok(())
    }

    /// A stateless session ends when its ticket expires.
    async fn until_expired(&self, ticket: &Ticket) {
        loop {
            let left = ticket.expires_at().seconds_since(self.0.engine.now());
            if left == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_secs(left.min(60))).await;
        }
    }

    async fn until_ended(&self, store: &dyn Store, ticket: &Ticket) {
        let (engine, id) = (&self.0.engine, ticket.row_id());
        let mut told = false;
        loop {
            if engine.now().has_reached(engine.ticket_deadline(ticket)) {
                return;
            }
            // Listening begins before the store is asked, so that a change in between is noticed.
            let watch = engine.watchers.watch(id, ticket.subject());
            let mut changed = pin!(either(watch.woken(), store.changed(id)));
            let changed_already = poll_once(changed.as_mut()).await;
            match self.look(store, ticket, id).await {
                Ok(Some(_)) if changed_already => tokio::time::sleep(AGAIN).await,
                Ok(Some(wait)) => {
                    let _ = tokio::time::timeout(wait, changed).await;
                    told = false;
                }
                Ok(None) => return,
                Err(error) => {
                    if !told {
                        tracing::warn!(row_id = %id, %error, "could not check whether a session has ended; trying again");
                        told = true;
                    }
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    /// How long the session lives if nobody uses it. `None` if it has ended.
    async fn look(&self, store: &dyn Store, ticket: &Ticket, id: RowId) -> Result<Option<Duration>, SessionError> {
        let engine = &self.0.engine;
        let ask = async |wanted| {
            let found = tokio::time::timeout(engine.max_wait, store.load(wanted)).await;
            let found = found.map_err(|_| SessionError::TimedOut { after: engine.max_wait })??;
            engine.decide(ticket, id, found)
        };
        let mut loaded = ask(Wanted::at_least(id, ticket.generation())).await?;
        // Another request may have used it after the store was asked, or the answer may be an old copy.
        if matches!(loaded, Loaded::Expired(_)) {
            loaded = ask(Wanted::newest(id)).await?;
        }
        Ok(match loaded {
            Loaded::Live(live) => {
                let left = live.expires_at.seconds_since(engine.now());
                Some(Duration::from_secs(left.clamp(1, 24 * 3600)))
            }
            _ => None,
        })
    }
}

/// Waits for whichever is first.
async fn either(a: impl Future<Output = ()>, b: impl Future<Output = ()>) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    poll_fn(|cx| match a.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => b.as_mut().poll(cx),
    })
    .await;
}

/// Polls a future for the first time. `true` if it is ready.
async fn poll_once(mut future: Pin<&mut impl Future<Output = ()>>) -> bool {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await
}
