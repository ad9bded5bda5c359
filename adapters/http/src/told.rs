//! Logging of failures: the first failure of each request is one `error` event, with its cause and the chain of sources.

use std::{
    error::Error,
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use waxseal_core::RowId;

use crate::{SessionError, metrics};

/// What a request has already logged.
#[derive(Default)]
pub(crate) struct Told(AtomicBool);

impl Told {
    /// Logs an error that is answered with 5xx, once per request. An error that the client causes (401) is not logged.
    pub(crate) fn error(&self, tried: &'static str, id: Option<RowId>, error: &SessionError) {
        if !error.status().is_server_error() {
            return;
        }
        let row_id = id.map(|id| id.to_string());
        let cause = Chain(error);
        if self.0.swap(true, Ordering::Relaxed) {
            tracing::debug!(tried, row_id, %cause, "session failed again in the same request");
        } else {
            metrics::failure(tried);
            tracing::error!(tried, row_id, %cause, status = error.status().as_u16(), "session failed");
        }
    }
}

/// An error and its sources, each printed once: many errors already include their source in their text.
struct Chain<'a>(&'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            let text = error.to_string();
            if !said.contains(&text) {
                write!(f, ": {text}")?;
            }
            said = text;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoreError;

    #[derive(Debug, thiserror::Error)]
    #[error("query failed")]
    struct Query(#[source] std::io::Error);

    #[test]
    fn a_chain_says_each_cause_once() {
        let error = SessionError::from(StoreError::backend(Query(std::io::Error::other("connection reset"))));
        assert_eq!(Chain(&error).to_string(), "the session store failed: query failed: connection reset");
    }
}
