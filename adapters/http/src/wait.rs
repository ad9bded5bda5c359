//! Waiting: one limit for all that a request waits for in the session layer, and statements that outlive the request.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};

use crate::SessionError;

/// How long a request may wait for its session in total. If it then works for that long without waiting, the count starts again:
/// a handler that runs for hours does not use up the limit.
pub(crate) struct Patience {
    bound: Duration,
    spent: Mutex<Spent>,
}

#[derive(Default)]
struct Spent {
    waited: Duration,
    until: Option<Instant>,
}

impl Patience {
    pub(crate) fn new(bound: Duration) -> Self {
        Self { bound, spent: Mutex::default() }
    }

    /// Waits for `future`, unless the request has waited for too long.
    pub(crate) fn wait<F: Future>(&self, future: F) -> Waiting<'_, F> {
        Waiting { patience: self, future, since: None }
    }

    fn left(&self, now: Instant) -> Duration {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.until.is_some_and(|until| now.saturating_duration_since(until) > self.bound) {
            *spent = Spent::default();
        }
        self.bound.saturating_sub(spent.waited)
    }

    fn spend(&self, from: Instant, until: Instant) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.waited += until.saturating_duration_since(from);
        spent.until = Some(until);
    }
}

pin_project! {
    /// A future within a request's time limit.
    ///
    /// It is a type of its own because an `async fn` would store the future twice: as its argument and where it is pinned. Waits
    /// are nested, and every request moves all the memory that they take up.
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct Waiting<'a, F> {
        patience: &'a Patience,
        #[pin]
        future: F,
        // A future that is ready at once needs no clock and no timer.
        since: Option<(Instant, Pin<Box<Sleep>>)>,
    }
}

impl<F: Future> Future for Waiting<'_, F> {
    type Output = Result<F::Output, SessionError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(value) = this.future.poll(cx) {
            if let Some((from, _)) = this.since {
                this.patience.spend(*from, Instant::now());
            }
            return Poll::Ready(Ok(value));
        }
        let (from, timer) = this.since.get_or_insert_with(|| {
            let from = Instant::now();
            (from, Box::pin(tokio::time::sleep(this.patience.left(from))))
        });
        ready!(timer.as_mut().poll(cx));
        this.patience.spend(*from, Instant::now());
        Poll::Ready(Err(SessionError::TimedOut { after: this.patience.bound }))
    }
}

/// Runs a statement to its end, even if the request's own future is dropped: a statement that is cut off closes its connection,
/// and its effect would not be known. It gets its own task only if it has to wait.
pub(crate) async fn to_the_end<T: Send + 'static>(
    statement: impl Future<Output = T> + Send + 'static,
) -> Result<T, SessionError> {
    let mut statement: Pin<Box<dyn Future<Output = T> + Send>> = Box::pin(statement);
    if let Poll::Ready(value) = poll_fn(|cx| Poll::Ready(statement.as_mut().poll(cx))).await {
        return Ok(value);
    }
    tokio::spawn(tracing::Instrument::in_current_span(statement)).await.map_err(|_| SessionError::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    #[tokio::test(start_paused = true)]
    async fn all_waits_of_a_request_share_one_bound() {
        let patience = Patience::new(Duration::from_secs(10));
        patience.wait(tokio::time::sleep(Duration::from_secs(6))).await.unwrap();
        let from = Instant::now();
        assert!(matches!(patience.wait(pending::<()>()).await, Err(SessionError::TimedOut { .. })));
        assert_eq!(from.elapsed().as_secs(), 4);
        assert!(patience.wait(std::future::ready(1)).await.is_ok(), "what is ready needs no patience");
        tokio::time::sleep(Duration::from_secs(11)).await;
        patience.wait(tokio::time::sleep(Duration::from_secs(6))).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_statement_runs_to_its_end_when_its_request_is_gone() {
        let (done, mut told) = tokio::sync::mpsc::channel(1);
        let statement = async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            done.send(()).await.unwrap();
        };
        assert!(tokio::time::timeout(Duration::from_millis(1), to_the_end(statement)).await.is_err());
        told.recv().await.unwrap();
    }
}
