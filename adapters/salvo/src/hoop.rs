//! The hoop: opens the session before the handlers and commits it after.

use salvo_core::{
    Depot, FlowCtrl, Handler, Request, Response, Scribe, async_trait,
    http::{HeaderMap, ResBody, StatusCode},
};
use waxseal_http::Sessions;

use crate::SessionError;

/// Gives every request its session and saves it with the response.
#[derive(Clone, Debug)]
pub struct SessionHoop {
    sessions: Sessions,
    #[cfg(feature = "compat")]
    compat: bool,
}

impl SessionHoop {
    /// A hoop over `sessions`.
    pub fn new(sessions: Sessions) -> Self {
        Self {
            sessions,
            #[cfg(feature = "compat")]
            compat: false,
        }
    }

    /// Also fills the depot's `saysion::Session`, as `salvo-session` does, so that `salvo-flash`, `salvo-csrf` and handlers that
    /// take it keep working unchanged: `get`, `insert`, `remove`, `regenerate`, `destroy`. What they change is recorded as
    /// operations on the session, so that two requests that change different keys both land.
    ///
    /// That session is read without waiting, so it is loaded before every handler: a request with a cookie costs its SELECT here
    /// whether the handler reads or not. Keep this switch to the routes that need it. Its `id`, cookie value and expiry mean
    /// nothing here.
    #[cfg(feature = "compat")]
    #[must_use]
    pub fn with_saysion_session(mut self) -> Self {
        self.compat = true;
        self
    }
}

#[async_trait]
impl Handler for SessionHoop {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        let outer = self.sessions.joined(depot.get_typed().ok());
        let nested = outer.is_some();
        let session = outer.unwrap_or_else(|| self.sessions.open(req.headers()));
        depot.insert_typed(session.clone());
        #[cfg(feature = "compat")]
        let saysion = match self.compat {
            true => match crate::compat::SaysionSession::fill(&session, depot).await {
                Ok(saysion) => Some(saysion),
                Err(error) => {
                    SessionError(error).render(res);
                    ctrl.skip_rest();
                    return;
                }
            },
            false => None,
        };
        ctrl.call_next(req, depot, res).await;
        #[cfg(feature = "compat")]
        let recorded = saysion.map_or(Ok(()), |saysion| saysion.record(&session, depot));
        #[cfg(not(feature = "compat"))]
        let recorded = Ok(());

        // An outer hoop of the same sessions commits, and once.
        if nested && recorded.is_ok() {
            return;
        }
        // Without a status it is 200, or 404 where nothing was written: either commits.
        let status = res.status_code.unwrap_or(StatusCode::OK);
        let committed = match recorded {
            Ok(()) => self.sessions.commit(&session, status, res.headers_mut()).await,
            Err(error) => {
                // As for a server error: what was recorded is discarded, but a sign-out counts.
                let failed = StatusCode::INTERNAL_SERVER_ERROR;
                let _ = self.sessions.commit(&session, failed, &mut HeaderMap::new()).await;
                Err(error)
            }
        };
        if let Err(error) = committed {
            res.headers_mut().clear();
            res.replace_body(ResBody::None);
            SessionError(error).render(res);
            self.sessions.write_headers(&session, res.headers_mut());
        }
    }
}
