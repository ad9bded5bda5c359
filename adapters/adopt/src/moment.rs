//! Points in time as the `time` crate writes an `OffsetDateTime`.

use serde::{Deserialize, Deserializer, de::Error as _};
use waxseal_core::Timestamp;

/// An `OffsetDateTime`, without the crate: year, day of the year, hour, minute, second, nanosecond, and the offset's hours,
/// minutes and seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts = <(i32, u16, u8, u8, u8, u32, i8, i8, i8)>::deserialize(deserializer)?;
        from_parts(parts).map(Self).ok_or_else(|| D::Error::custom("not a point in time"))
    }
}

/// `None` where a part is out of its range. What lies before 1970 is 1970: it is over in any case.
fn from_parts(parts: (i32, u16, u8, u8, u8, u32, i8, i8, i8)) -> Option<Timestamp> {
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

    fn ms(parts: (i32, u16, u8, u8, u8, u32, i8, i8, i8)) -> Option<u64> {
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
