//! Times and durations in readable form.

use chrono::{DateTime, SecondsFormat};
use waxseal_core::Timestamp;

/// A time in UTC, to the second (RFC 3339).
pub(crate) fn at(time: Timestamp) -> String {
    let ms = i64::try_from(time.unix_ms()).unwrap_or(i64::MAX);
    match DateTime::from_timestamp_millis(ms) {
        Some(time) => time.to_rfc3339_opts(SecondsFormat::Secs, true),
        None => "never".into(),
    }
}

/// Parses a time in RFC 3339.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    u64::try_from(time.timestamp_millis()).ok().map(Timestamp::from_unix_ms)
}

/// A duration in its two largest units.
pub(crate) fn span(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut left = seconds;
    let mut parts = Vec::new();
    for (size, unit) in units {
        if left >= size && parts.len() < 2 {
            parts.push(format!("{} {unit}", left / size));
            left %= size;
        }
    }
    if parts.is_empty() { "0 s".into() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        let time = Timestamp::from_unix_seconds(1_790_000_000);
        assert_eq!(at(time), "2026-09-21T14:13:20Z");
        assert_eq!(parse(&at(time)), Some(time));
        assert_eq!((span(0), span(59), span(90_061)), ("0 s".into(), "59 s".into(), "1 d 1 h".into()));
    }
}
