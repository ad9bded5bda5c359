//! The application's clock: the operating system's, which a test can move.

use std::path::PathBuf;

use waxseal_http::{Clock, SystemClock, Timestamp};

/// The operating system's time. For tests only: where `WAXSEAL_EXAMPLE_CLOCK` names a file, the time is ahead of the operating
/// system's by the number of seconds in that file. The file is read at each call, so that a test can let days go by.
///
/// Never set that variable in production: whoever can write to the file decides when sessions end.
#[derive(Clone, Debug)]
pub struct ExampleClock {
    test_file: Option<PathBuf>,
}

impl ExampleClock {
    /// Without a file, the time is the operating system's.
    pub(crate) fn new(test_file: Option<PathBuf>) -> Self {
        if let Some(file) = &test_file {
            tracing::warn!("for tests: the clock is ahead by the seconds in {}", file.display());
        }
        Self { test_file }
    }

    fn seconds_ahead(&self) -> u64 {
        let Some(file) = &self.test_file else { return 0 };
        match std::fs::read_to_string(file).map(|text| text.trim().parse()) {
            Ok(Ok(seconds)) => seconds,
            _ => {
                tracing::error!("no number of seconds in {}: the clock is not moved", file.display());
                0
            }
        }
    }
}

impl Clock for ExampleClock {
    fn now(&self) -> Timestamp {
        let ahead_ms = self.seconds_ahead().saturating_mul(1000);
        Timestamp::from_unix_ms(SystemClock.now().unix_ms().saturating_add(ahead_ms))
    }
}
