//! Spans of time, for people to read.

/// In one unit, rounded: "45 seconds", "30 minutes", "8 hours", "30 days".
pub(crate) fn rounded(seconds: u64) -> String {
    let (n, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7200 => ((seconds + 30) / 60, "minute"),
        7200..172_800 => ((seconds + 1800) / 3600, "hour"),
        _ => (seconds.saturating_add(43_200) / 86_400, "day"),
    };
    format!("{n} {unit}{}", if n == 1 { "" } else { "s" })
}

/// In the two largest units: "7 h 59 min", "29 min 58 s", "45 s".
pub(crate) fn exact(seconds: u64) -> String {
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, s) => format!("{s} s"),
        (0, 0, min, s) => format!("{min} min {s} s"),
        (0, h, min, _) => format!("{h} h {min} min"),
        (d, h, _, _) => format!("{d} d {h} h"),
    }
}

/// "just now", "5 min ago".
pub(crate) fn ago(seconds: u64) -> String {
    if seconds < 60 {
        "just now".into()
    } else {
        format!("{} ago", exact(seconds - seconds % 60).trim_end_matches(" 0 s"))
    }
}

#[cfg(test)]
mod tests {
    use super::{ago, rounded};

    #[test]
    fn a_span_is_rounded_to_one_unit() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (1798, "30 minutes"),
            (28_799, "8 hours"),
            (86_400, "24 hours"),
            (172_799, "48 hours"),
            (30 * 86_400 - 5, "30 days"),
            (u64::MAX, "213503982334601 days"),
        ] {
            assert_eq!(rounded(seconds), text);
        }
    }

    #[test]
    fn ago_leaves_seconds_out() {
        assert_eq!((ago(59), ago(359), ago(7265)), ("just now".into(), "5 min ago".into(), "2 h 1 min ago".into()));
    }
}
