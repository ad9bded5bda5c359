//! The layer: opens the session before the service and commits it after, also where the service fails.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;
use waxseal_http::{Installed, SessionError, Sessions, add_headers};

/// Gives every request its session and saves it with the response.
#[derive(Clone, Debug)]
pub struct SessionLayer {
    sessions: Sessions,
}

impl SessionLayer {
    /// A layer over `sessions`.
    pub fn new(sessions: Sessions) -> Self {
        Self { sessions }
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService { inner, sessions: self.sessions.clone() }
    }
}

/// A service behind [`SessionLayer`].
///
/// The session is a [`waxseal_http::Session`] in the request's extensions. Where it cannot be saved the response is replaced by
/// an empty one of the error's status (503 where the store fails): of a body of any type, `Default` is all that is known.
#[derive(Clone, Debug)]
pub struct SessionService<S> {
    inner: S,
    sessions: Sessions,
}

impl<S, B, R> Service<Request<B>> for SessionService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = SessionFuture<S::Future, R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let (installed, commits) = Installed::enter(&self.sessions, request.headers(), request.extensions().get());
        request.extensions_mut().insert(installed.session().clone());
        request.extensions_mut().insert(installed.clone());
        SessionFuture { inner: self.inner.call(request), installed, commits, answer: None, commit: None }
    }
}

type Commit = Pin<Box<dyn Future<Output = (Result<(), SessionError>, HeaderMap)> + Send>>;

pin_project! {
    /// The future of [`SessionService`]. Only a session that was looked at is committed, and only that costs a box.
    pub struct SessionFuture<F, R, E> {
        #[pin]
        inner: F,
        installed: Installed,
        commits: bool,
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
                // Inside another layer of the same cookie, that one commits, and once.
                if !*this.commits || this.installed.sessions().commit_unused(this.installed.session()) {
                    return Poll::Ready(answer);
                }
                // A service that failed has no response of its own; what becomes of the error is a server error.
                let (status, headers) = match &mut answer {
                    Ok(response) => (response.status(), std::mem::take(response.headers_mut())),
                    Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, HeaderMap::new()),
                };
                *this.answer = Some(answer);
                this.commit.insert(Box::pin(commit(this.installed.clone(), status, headers)))
            }
        };
        let (committed, headers) = ready!(commit.as_mut().poll(cx));
        let answer = this.answer.take().expect("a future is not polled after it has ended");
        Poll::Ready(answer.map(|response| answered(response, committed, headers)))
    }
}

async fn commit(
    installed: Installed,
    status: StatusCode,
    mut headers: HeaderMap,
) -> (Result<(), SessionError>, HeaderMap) {
    let (sessions, session) = (installed.sessions(), installed.session());
    let committed = match installed.failure(status) {
        None => sessions.commit(session, status, &mut headers).await,
        Some(error) => {
            // As for a server error: what was recorded is discarded, but a sign-out counts.
            let mut sent = HeaderMap::new();
            let discarded = sessions.commit(session, StatusCode::INTERNAL_SERVER_ERROR, &mut sent).await;
            headers = installed.failed_headers(&headers);
            add_headers(&sent, &mut headers);
            return (Err(discarded.err().unwrap_or(error)), headers);
        }
    };
    match committed {
        Ok(_) => (Ok(()), headers),
        Err(error) => (Err(error), installed.failed_headers(&headers)),
    }
}

fn answered<R: Default>(
    mut response: Response<R>,
    committed: Result<(), SessionError>,
    headers: HeaderMap,
) -> Response<R> {
    if let Err(error) = committed {
        response = Response::new(R::default());
        *response.status_mut() = error.status();
    }
    *response.headers_mut() = headers;
    response
}
