//! Waiting: one limit for all that a request waits for in the session layer, statements that outlive the request, and the pauses
//! before a store is asked again.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::{
    sync::oneshot,
    time::{Instant, Sleep},
};

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
/// and its effect would not be known. It gets its own task only if it has to wait. `untaken` gets the result if the request is
/// gone by then.
pub(crate) async fn to_the_end<T: Send + 'static>(
    statement: impl Future<Output = T> + Send + 'static,
    untaken: impl FnOnce(T) + Send + 'static,
) -> Result<T, SessionError> {
    let mut statement: Pin<Box<dyn Future<Output = T> + Send>> = Box::pin(statement);
    if let Poll::Ready(value) = poll_fn(|cx| Poll::Ready(statement.as_mut().poll(cx))).await {
        return Ok(value);
    }
    let (result, taken) = oneshot::channel();
    tokio::spawn(tracing::Instrument::in_current_span(async move {
        if let Err(value) = result.send(statement.await) {
            untaken(value);
        }
    }));
    taken.await.map_err(|_| SessionError::Interrupted)
}

/// The first pauses, in milliseconds: after a lost connection, a COMMIT becomes visible soon.
const PAUSES_MS: [u64; 5] = [0, 50, 100, 250, 400];

/// The pause after those, while the store does not answer.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The pauses before a store is asked again, up to a limit in total.
pub(crate) struct Pauses {
    until: Instant,
    number: usize,
}

impl Pauses {
    pub(crate) fn within(bound: Duration) -> Self {
        Self { until: Instant::now() + bound, number: 0 }
    }

    /// Waits before the next question; before the first, not at all. `false` when the limit is reached.
    pub(crate) async fn next(&mut self) -> bool {
        let pause = PAUSES_MS.get(self.number).map_or(LONGEST_PAUSE, |ms| Duration::from_millis(*ms));
        self.number += 1;
        if Instant::now() + pause >= self.until {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }
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
        let (untaken, mut taken) = tokio::sync::mpsc::channel(1);
        let statement = to_the_end(statement, move |()| untaken.try_send(()).unwrap());
        assert!(tokio::time::timeout(Duration::from_millis(1), statement).await.is_err());
        told.recv().await.unwrap();
        taken.recv().await.expect("its result is passed on");
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_are_short_at_first_and_end_at_the_limit() {
        let (mut pauses, from) = (Pauses::within(Duration::from_secs(3)), Instant::now());
        let mut asked = Vec::new();
        while pauses.next().await {
            asked.push(from.elapsed().as_millis());
        }
        assert_eq!(asked, [0, 50, 150, 400, 800, 1300, 1800, 2300, 2800]);
        assert!(!Pauses::within(Duration::ZERO).next().await);
    }
}
