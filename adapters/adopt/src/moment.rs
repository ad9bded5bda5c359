//! Points in time as the `time` crate writes an `OffsetDateTime`.

use serde::{Deserialize, Deserializer, de::Error as _};
use waxseal_core::Timestamp;

/// Year, day of the year, hour, minute, second, nanosecond, and the offset's hours, minutes and seconds.
type Parts = (i32, u16, u8, u8, u8, u32, i8, i8, i8);

/// An `OffsetDateTime`, without the crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts = if deserializer.is_human_readable() {
            match Readable::deserialize(deserializer)? {
                Readable::Parts(parts) => Some(parts),
                Readable::Text(text) => from_text(&text),
            }
        } else {
            Some(Parts::deserialize(deserializer)?)
        };
        parts.and_then(from_parts).map(Self).ok_or_else(|| D::Error::custom("not a point in time"))
    }
}

/// In JSON it is text if a crate of the application turned on `serde-human-readable` of `time`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Readable {
    Parts(Parts),
    Text(String),
}

/// From `2026-09-21 14:13:20.005 +01:00:00`.
fn from_text(text: &str) -> Option<Parts> {
    let [date, time, offset] = split(text, ' ')?;
    let [year, month, day] = split(date, '-')?;
    let [hour, minute, second] = split(time, ':')?;
    let (second, fraction) = second.split_once('.').unwrap_or((second, "0"));
    let [offset_hour, offset_minute, offset_second] = split(offset, ':')?;
    let (year, month, day): (i32, usize, u16) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let months = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let before = *months.get(month.checked_sub(1)?)?;
    let ordinal = day.checked_add(before)?.checked_add(u16::from(leap && month > 2))?;
    let nanosecond = format!("{fraction:0<9}").parse().ok()?;
    let (hour, minute, second) = (hour.parse().ok()?, minute.parse().ok()?, second.parse().ok()?);
    // The sign precedes the hours and applies to all three parts.
    let sign = if offset.starts_with('-') { -1i8 } else { 1 };
    let [minutes, seconds] = [offset_minute, offset_second].map(|part| part.parse::<i8>().ok());
    let (minutes, seconds) = (minutes?.checked_mul(sign)?, seconds?.checked_mul(sign)?);
    Some((year, ordinal, hour, minute, second, nanosecond, offset_hour.parse().ok()?, minutes, seconds))
}

/// Exactly three parts.
fn split(text: &str, separator: char) -> Option<[&str; 3]> {
    let mut parts = text.split(separator);
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}

/// `None` if a part is out of range. A time before 1970 becomes 1970: it has expired in any case.
fn from_parts(parts: Parts) -> Option<Timestamp> {
    let (year, day, hour, minute, second, nanosecond, offset_hour, offset_minute, offset_second) = parts;
    let valid = (-999_999..=999_999).contains(&year)
        && (1..=366).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60
        && nanosecond < 1_000_000_000;
    if !valid {
        return None;
    }
    // The leap days before the year, counted from the year 0.
    let before = i64::from(year).checked_sub(1)?;
    let leaps = before.div_euclid(4).checked_sub(before.div_euclid(100))?.checked_add(before.div_euclid(400))?;
    // 719162 days lie between 0001-01-01 and 1970-01-01.
    let days = before.checked_mul(365)?.checked_add(leaps)?.checked_add(i64::from(day))?.checked_sub(719_163)?;
    let local = seconds(days, 86_400, hour.into(), minute.into(), second.into())?;
    let offset = seconds(offset_hour.into(), 3600, 0, offset_minute.into(), offset_second.into())?;
    let milliseconds = local.checked_sub(offset)?.checked_mul(1000)?.checked_add(i64::from(nanosecond / 1_000_000))?;
    Some(Timestamp::from_unix_ms(u64::try_from(milliseconds).unwrap_or(0)))
}

fn seconds(count: i64, unit: i64, hours: i64, minutes: i64, seconds: i64) -> Option<i64> {
    let hours = hours.checked_mul(3600)?;
    let minutes = minutes.checked_mul(60)?;
    count.checked_mul(unit)?.checked_add(hours)?.checked_add(minutes)?.checked_add(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(parts: Parts) -> Option<u64> {
        from_parts(parts).map(Timestamp::unix_ms)
    }

    #[test]
    fn days_count_from_1970() {
        assert_eq!(ms((1970, 1, 0, 0, 0, 0, 0, 0, 0)), Some(0));
        assert_eq!(ms((2000, 61, 0, 0, 0, 0, 0, 0, 0)), Some(951_868_800_000), "the first of March");
        assert_eq!(ms((2026, 264, 14, 13, 20, 5_000_000, 1, 0, 0)), Some(1_789_996_400_005));
        assert_eq!(ms((1970, 1, 0, 0, 0, 0, -1, -30, 0)), Some(5_400_000));
        assert_eq!(ms((1969, 365, 23, 59, 59, 0, 0, 0, 0)), Some(0));
        assert_eq!(ms((-5000, 1, 0, 0, 0, 0, 0, 0, 0)), Some(0));
    }

    #[test]
    fn text_is_read_like_parts() {
        for (text, ms) in [
            ("2026-09-21 14:13:20.005 +01:00:00", Some(1_789_996_400_005)),
            ("2026-09-21 14:13:20.0 +01:00:00", Some(1_789_996_400_000)),
            ("1970-01-01 0:00:00.0 -01:30:00", Some(5_400_000)),
            ("2000-03-01 0:00:00.0 +00:00:00", Some(951_868_800_000)),
        ] {
            assert_eq!(from_text(text).and_then(from_parts).map(Timestamp::unix_ms), ms, "{text}");
        }
        for text in ["", "2026-09-21", "2026-13-21 0:00:00.0 +00:00:00", "2026-00-21 0:00:00.0 +00:00:00", "a b c"] {
            assert_eq!(from_text(text), None, "{text}");
        }
    }

    #[test]
    fn parts_out_of_range_are_refused() {
        for parts in [
            (i32::MAX, 1, 0, 0, 0, 0, 0, 0, 0),
            (2026, 0, 0, 0, 0, 0, 0, 0, 0),
            (2026, 367, 0, 0, 0, 0, 0, 0, 0),
            (2026, 1, 24, 0, 0, 0, 0, 0, 0),
            (2026, 1, 0, 0, 0, 1_000_000_000, 0, 0, 0),
        ] {
            assert_eq!(ms(parts), None);
        }
    }
}
