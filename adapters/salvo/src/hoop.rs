//! The hoop: opens the session before the handlers and commits it after them.

use std::sync::Arc;

use salvo_core::{
    Depot, FlowCtrl, Handler, Request, Response, Scribe, async_trait,
    http::{HeaderMap, ResBody, StatusCode, cookie::Cookie},
};
use waxseal_http::{Failed, Installed, OnError, RequestHead, Sessions, add_headers, complete_page};

use crate::error;

/// Writes a page into a response.
type Page = Box<dyn FnOnce(&mut Response) + Send>;

/// Gives every request its session and saves it with the response.
#[derive(Clone, Debug)]
pub struct SessionHoop {
    sessions: Sessions,
    on_error: Option<OnError<Page>>,
    #[cfg(feature = "compat")]
    compat: bool,
}

impl SessionHoop {
    /// A hoop for these sessions.
    pub fn new(sessions: Sessions) -> Self {
        Self {
            sessions,
            on_error: None,
            #[cfg(feature = "compat")]
            compat: false,
        }
    }

    /// The application's own page for failures of the session layer: 503 if the store fails, 401 from
    /// [`SignedIn`](crate::SignedIn), 500 if the data are too large. It replaces the response of a failed save and every
    /// [`SessionError`](crate::SessionError) that a handler returns.
    ///
    /// The status stays the error's, unless the page sets one other than 2xx. The session's own headers are added and, unless the
    /// page forbids shared caches, `Cache-Control: no-store`.
    ///
    /// ```
    /// # use salvo::{prelude::Text, http::{HeaderValue, Response, StatusCode}, writing::{Redirect, Scribe}};
    /// struct Page(StatusCode);
    ///
    /// impl Scribe for Page {
    ///     fn render(self, res: &mut Response) {
    ///         match self.0 {
    ///             StatusCode::UNAUTHORIZED => res.render(Redirect::other("/sign-in")),
    ///             _ => {
    ///                 res.headers_mut().insert("retry-after", HeaderValue::from_static("60"));
    ///                 res.render(Text::Html("<h1>Please try again in a minute</h1>"));
    ///             }
    ///         }
    ///     }
    /// }
    ///
    /// # fn hoop(sessions: waxseal_salvo::Sessions) -> waxseal_salvo::SessionHoop {
    /// waxseal_salvo::SessionHoop::new(sessions).on_error(|error, _request| Page(error.status()))
    /// # }
    /// ```
    #[must_use]
    pub fn on_error<S: Scribe + Send + 'static>(
        mut self,
        page: impl Fn(&waxseal_http::SessionError, &RequestHead) -> S + Send + Sync + 'static,
    ) -> Self {
        self.on_error = Some(OnError::new(move |error, request| {
            let page = page(error, request);
            Box::new(move |response: &mut Response| page.render(response)) as Page
        }));
        self
    }

    /// Also fills the depot's `saysion::Session`, as `salvo-session` does, so that `salvo-flash`, `salvo-csrf` and handlers that
    /// take it work unchanged: `get`, `insert`, `remove`, `regenerate`, `destroy`. Their changes are recorded as operations on
    /// the session, so that two requests that change different keys both take effect.
    ///
    /// That session is read synchronously, so it is loaded before every handler: each request with a cookie costs a SELECT,
    /// whether the handler reads the session or not. Use this only on the routes that need it. The session's `id`, cookie value
    /// and expiry have no meaning here.
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
                    self.answer(&error, &HeaderMap::new(), req, res);
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

        // An outer hoop of the same cookie commits, once.
        if !commits && recorded.is_ok() {
            return;
        }
        // A missing status means 200, or 404 if nothing was written: either commits.
        let status = res.status_code.unwrap_or(StatusCode::OK);
        let told = self.on_error.as_ref().and_then(|_| Failed::take(&mut res.extensions, status));
        let (committed, headers) = match recorded {
            Ok(()) => installed.commit(status, told).await,
            Err(error) => installed.commit(StatusCode::INTERNAL_SERVER_ERROR, Some(Arc::new(error))).await,
        };
        match committed {
            Ok(_) => add_headers(&headers, res.headers_mut()),
            Err(error) => {
                let headers = installed.failed_headers(res.headers(), &headers);
                outside.restore(req, res);
                self.answer(&error, &headers, req, res);
            }
        }
    }
}

impl SessionHoop {
    /// Answers with this error, with the application's page if it has one.
    fn answer(&self, error: &waxseal_http::SessionError, headers: &HeaderMap, req: &Request, res: &mut Response) {
        let Some(on_error) = &self.on_error else {
            error::plain(error, res);
            return add_headers(headers, res.headers_mut());
        };
        res.status_code(error.status());
        on_error.page(error, &RequestHead::new(req.method(), req.uri(), req.headers()))(res);
        let mut status = res.status_code.unwrap_or_else(|| error.status());
        complete_page(error, &mut status, res.headers_mut(), headers);
        res.status_code(status);
    }
}

/// The headers and cookies that hoops outside this one had set before it ran: if a commit fails, only they are kept.
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
        // The response's cookie jar starts with the request's cookies, which are not sent back.
        *res.cookies_mut() = req.cookies().clone();
        for cookie in self.cookies {
            res.cookies_mut().add(cookie);
        }
        res.replace_body(ResBody::None);
    }
}
