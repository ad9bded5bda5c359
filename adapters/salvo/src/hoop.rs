//! The hoop: opens the session before the handlers and commits it after.

use salvo_core::{
    Depot, FlowCtrl, Handler, Request, Response, Scribe, async_trait,
    http::{HeaderMap, ResBody, StatusCode, cookie::Cookie},
};
use waxseal_http::{Installed, Sessions, add_headers};

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
        let (installed, commits) = Installed::enter(&self.sessions, req.headers(), depot.get_typed().ok());
        let session = installed.session().clone();
        depot.insert_typed(session.clone());
        depot.insert_typed(installed.clone());
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
        let outside = Outside::of(res);
        ctrl.call_next(req, depot, res).await;
        #[cfg(feature = "compat")]
        let recorded = saysion.map_or(Ok(()), |saysion| saysion.record(&session, depot));
        #[cfg(not(feature = "compat"))]
        let recorded = Ok(());

        // An outer hoop of the same cookie commits, and once.
        if !commits && recorded.is_ok() {
            return;
        }
        // Without a status it is 200, or 404 where nothing was written: either commits.
        let status = res.status_code.unwrap_or(StatusCode::OK);
        let mut headers = HeaderMap::new();
        let committed = match recorded.map_or_else(Some, |()| installed.failure(status)) {
            None => self.sessions.commit(&session, status, &mut headers).await,
            Some(error) => {
                // As for a server error: what was recorded is discarded, but a sign-out counts.
                let failed = StatusCode::INTERNAL_SERVER_ERROR;
                let discarded = self.sessions.commit(&session, failed, &mut headers).await;
                Err(discarded.err().unwrap_or(error))
            }
        };
        if let Err(error) = committed {
            let kept = installed.failed_headers(res.headers());
            outside.restore(req, res);
            SessionError(error).render(res);
            add_headers(&kept, res.headers_mut());
        }
        add_headers(&headers, res.headers_mut());
    }
}

/// What hoops outside this one had said before it ran: that stays where a commit fails, and nothing else.
struct Outside {
    headers: HeaderMap,
    cookies: Vec<Cookie<'static>>,
}

impl Outside {
    fn of(res: &Response) -> Self {
        Self { headers: res.headers().clone(), cookies: res.cookies().delta().cloned().collect() }
    }

    fn restore(self, req: &Request, res: &mut Response) {
        *res.headers_mut() = self.headers;
        // The response's jar begins with the request's cookies, which are not sent back.
        *res.cookies_mut() = req.cookies().clone();
        for cookie in self.cookies {
            res.cookies_mut().add(cookie);
        }
        res.replace_body(ResBody::None);
    }
}
