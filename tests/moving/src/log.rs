//! The log of the test process: which sessions it says were adopted.

use std::{
    collections::HashSet,
    io::{self, Write},
    sync::{Mutex, Once},
};

use tracing_subscriber::fmt;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Writer;

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From here on the log is kept.
pub fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        fmt().with_env_filter("waxseal=info,waxseal_http=info").with_ansi(false).with_writer(|| Writer).init()
    });
}

/// The row ids of the sessions that were adopted.
pub fn adopted() -> HashSet<String> {
    let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    let lines = log.lines().filter(|line| line.contains("session of another system adopted"));
    lines.filter_map(|line| Some(line.split("row_id=").nth(1)?.split_whitespace().next()?.to_owned())).collect()
}

/// The lines of errors.
pub fn errors() -> Vec<String> {
    let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    log.lines().filter(|line| line.contains(" ERROR ")).map(String::from).collect()
}
