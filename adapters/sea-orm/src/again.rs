//! Repeats what the database rolled back.

use std::{
    fmt::Display,
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

use crate::metrics;

/// How often a statement is tried.
const ATTEMPTS: u32 = 8;

/// After this time it is not tried again.
const LONGEST: Duration = Duration::from_secs(2);

/// Runs `attempt`, and repeats it after a random, growing wait if `worth_it` allows. It is told how often it was tried before.
pub(crate) async fn again<T, E: Display, F: Future<Output = Result<T, E>>>(
    worth_it: impl Fn(&E) -> bool,
    attempt: impl Fn(u32) -> F,
) -> Result<T, E> {
    let begun = Instant::now();
    for tried in 1..ATTEMPTS {
        match attempt(tried - 1).await {
            Err(error) if worth_it(&error) && begun.elapsed() < LONGEST => {
                metrics::tried_again();
                tracing::debug!(%error, tried, "rolled back by the database; trying again");
                tokio::time::sleep(wait(tried)).await;
            }
            result => return result,
        }
    }
    attempt(ATTEMPTS - 1).await
}

/// A random wait of up to 8 ms at first. The limit doubles with each try, up to 256 ms, so that colliding statements separate.
fn wait(tried: u32) -> Duration {
    let random = RandomState::new().hash_one(tried);
    Duration::from_micros(random % (4000 << tried.min(6)))
}
