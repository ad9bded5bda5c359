//! The layer: opens the session before the service and commits it after it, also if the service fails.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;
use waxseal_http::{Failed, Installed, OnError, Outcome, RequestHead, SessionError, Sessions, add_headers};

use crate::page::{self, EmptyPage, FailurePage, Page};

/// Gives every request its session and saves it with the response.
#[derive(Clone, Debug)]
pub struct SessionLayer<P = EmptyPage> {
    sessions: Sessions,
    page: P,
}

impl SessionLayer {
    /// A layer for these sessions.
    pub fn new(sessions: Sessions) -> Self {
        Self { sessions, page: EmptyPage }
    }
}

impl<P> SessionLayer<P> {
    /// The application's own page for failures of the session layer: 503 if the store fails, 401 from `SignedIn`, 500 if the data
    /// are too large. It replaces the response of a failed save and every `SessionError` that a handler returns.
    ///
    /// The status stays the error's, unless the page sets one other than 2xx. The session's own headers are added and, unless the
    /// page forbids shared caches, `Cache-Control: no-store`.
    ///
    #[cfg_attr(feature = "axum", doc = "```")]
    #[cfg_attr(not(feature = "axum"), doc = "```ignore")]
    /// # use axum::{http::StatusCode, response::{Html, IntoResponse, Redirect}};
    /// # fn router(app: axum::Router, sessions: waxseal_tower::Sessions) -> axum::Router {
    /// app.layer(waxseal_tower::SessionLayer::new(sessions).on_error(|error, _request| match error.status() {
    ///     StatusCode::UNAUTHORIZED => Redirect::to("/sign-in").into_response(),
    ///     _ => ([("retry-after", "60")], Html("<h1>Please try again in a minute</h1>")).into_response(),
    /// }))
    /// # }
    /// ```
    #[must_use]
    pub fn on_error<R>(
        self,
        page: impl Fn(&SessionError, &RequestHead) -> Response<R> + Send + Sync + 'static,
    ) -> SessionLayer<OnError<Response<R>>> {
        SessionLayer { sessions: self.sessions, page: OnError::new(page) }
    }
}

impl<S, P: Clone> Layer<S> for SessionLayer<P> {
    type Service = SessionService<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService { inner, layer: self.clone() }
    }
}

/// A service behind [`SessionLayer`].
///
/// The session is a [`waxseal_http::Session`] in the request's extensions. If it cannot be saved, the response is replaced by the
/// application's page ([`SessionLayer::on_error`]) or, without one, by an empty response with the error's status (503 if the
/// store fails): of a body of any type only `Default` is known.
#[derive(Clone, Debug)]
pub struct SessionService<S, P = EmptyPage> {
    inner: S,
    layer: SessionLayer<P>,
}

impl<S, P, B, R> Service<Request<B>> for SessionService<S, P>
where
    S: Service<Request<B>, Response = Response<R>>,
    P: FailurePage<R>,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = SessionFuture<S::Future, R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let page = self.layer.page.of(&request);
        let sessions = &self.layer.sessions;
        let (installed, commits) = Installed::enter(sessions, request.headers(), request.extensions().get());
        request.extensions_mut().insert(installed.session().clone());
        request.extensions_mut().insert(installed.clone());
        SessionFuture { inner: self.inner.call(request), installed, commits, page, answer: None, commit: None }
    }
}

type Commit = Pin<Box<dyn Future<Output = (Result<Outcome, Arc<SessionError>>, HeaderMap)> + Send>>;

pin_project! {
    /// The future of [`SessionService`]. Only a session that was used is committed, and only that needs a box.
    pub struct SessionFuture<F, R, E> {
        #[pin]
        inner: F,
        installed: Installed,
        commits: bool,
        page: Option<Page<R>>,
        answer: Option<Result<Response<R>, E>>,
        commit: Option<Commit>,
    }
}

impl<F, R, E> Future for SessionFuture<F, R, E>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Default,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let commit = match this.commit {
            Some(commit) => commit,
            None => {
                let mut answer = ready!(this.inner.poll(cx));
                // Inside another layer of the same cookie: that layer commits, once.
                if !*this.commits {
                    return Poll::Ready(answer);
                }
                // A service that failed has no response of its own; its error will be answered as a server error.
                let status = answer.as_ref().map_or(StatusCode::INTERNAL_SERVER_ERROR, Response::status);
                let told = match (&mut answer, &this.page) {
                    (Ok(response), Some(_)) => Failed::take(response.extensions_mut(), status),
                    _ => None,
                };
                if told.is_none() && this.installed.sessions().commit_unused(this.installed.session()) {
                    return Poll::Ready(answer);
                }
                *this.answer = Some(answer);
                let installed = this.installed.clone();
                this.commit.insert(Box::pin(async move { installed.commit(status, told).await }))
            }
        };
        let (committed, headers) = ready!(commit.as_mut().poll(cx));
        let answer = this.answer.take().expect("a future is not polled after it has ended");
        Poll::Ready(answer.map(|mut response| match committed {
            Ok(_) => {
                add_headers(&headers, response.headers_mut());
                response
            }
            Err(error) => {
                let headers = this.installed.failed_headers(response.headers(), &headers);
                page::answer(this.page.take(), &error, headers)
            }
        }))
    }
}
