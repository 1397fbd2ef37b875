//! Points in time as vendors write them: RFC 3339, or a number whose unit is known.
//!
//! A number is only as good as its unit. One that lies where no time of its unit is likely to lie is refused, with the
//! unit that it looks like: seconds that were taken for milliseconds would otherwise be a day of 1970.

use super::transform::scalar;
use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use serde_json::Value;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Seconds since 1970.
    Seconds,
    /// Milliseconds since 1970.
    Millis,
}

/// The first seconds that are likely, since a number below them is more likely to be none: in March 1973.
const FIRST: u64 = 100_000_000;
/// The last that are likely: in the year 5138. The year 9999 is, too, since it means "never".
const LAST: u64 = 100_000_000_000;
/// The seconds at which the years 9999 and 10000 begin.
const NEVER: std::ops::Range<u64> = 253_370_764_800..253_402_300_800;

/// Whether a time lies in years that every store and language has, and is no leap second.
pub(super) fn is_kept(at: DateTime<Utc>) -> bool {
    (1..=9999).contains(&at.year()) && at.nanosecond() < 1_000_000_000
}

/// The time, cut to what is kept.
fn cut(at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(at.timestamp_micros()).filter(|_| is_kept(at))
}

/// Reads RFC 3339.
pub(super) fn rfc3339(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text).ok()?;
    cut(at.to_utc())
}

/// The whole number that a text or a number is: `1767225600000`, and `1767225600000.0`, too.
pub(super) fn whole(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = match text.split_once('.') {
        Some((digits, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => digits,
        _ => text,
    };
    digits.parse().ok()
}

/// The time that so many seconds or milliseconds make.
///
/// # Errors
/// Why it is unlikely to be one, in words that go behind "it".
pub(super) fn of_number(number: i64, unit: Unit) -> Result<DateTime<Utc>, String> {
    let (name, per_second) = match unit {
        Unit::Seconds => ("seconds", 1),
        Unit::Millis => ("milliseconds", 1_000),
    };
    let seconds = number.unsigned_abs() / per_second;
    if (FIRST..LAST).contains(&seconds) || (number > 0 && NEVER.contains(&seconds)) {
        let at = match unit {
            Unit::Seconds => DateTime::from_timestamp(number, 0),
            Unit::Millis => DateTime::from_timestamp_millis(number),
        };
        if let Some(at) = at.and_then(cut) {
            return Ok(at);
        }
    }
    let looks = looks_like(number, unit).map_or_else(String::new, |(what, rule)| {
        let how = match rule {
            Some(from) => format!("; read it by a mapping with the rule {{\"type\": \"date_format\", \"from\": \"{from}\"}}"),
            None => String::new(),
        };
        format!(", but looks like {what}{how}")
    });
    Err(format!("is no likely number of {name} since 1970{looks}"))
}

/// What a number is more likely to be, with the format of `date_format` that reads it.
fn looks_like(number: i64, than: Unit) -> Option<(&'static str, Option<&'static str>)> {
    let size = number.unsigned_abs();
    if is_basic_date(number) {
        return Some(("a date without dashes", Some("basic_date")));
    }
    match size {
        0 => Some(("no time at all", None)),
        FIRST..LAST if than != Unit::Seconds => Some(("seconds", Some("unix_s"))),
        LAST..100_000_000_000_000 if than != Unit::Millis => {
            Some(("milliseconds", Some("unix_ms")))
        }
        100_000_000_000_000..100_000_000_000_000_000 => Some(("microseconds", None)),
        100_000_000_000_000_000.. => Some(("nanoseconds", None)),
        _ => None,
    }
}

/// Whether the digits are a day, such as 20261130.
fn is_basic_date(number: i64) -> bool {
    basic_date(&number.to_string()).is_some_and(|day| (1900..2200).contains(&day.year()))
}

/// Reads a day of eight digits.
pub(super) fn basic_date(text: &str) -> Option<NaiveDate> {
    if text.len() != 8 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u32 = text.parse().ok()?;
    let year = i32::try_from(number / 10_000).ok()?;
    NaiveDate::from_ymd_opt(year, number / 100 % 100, number % 100).filter(|d| d.year() > 0)
}

/// A time: RFC 3339, or milliseconds since 1970 as a number or a text.
///
/// # Errors
/// What is wrong, in words that go behind "it".
pub(super) fn time(value: &Value) -> Result<DateTime<Utc>, String> {
    let wrong = || "should be a time".to_owned();
    let text = scalar(value).filter(|_| !value.is_boolean());
    let text = text.ok_or_else(wrong)?;
    if let Some(number) = whole(&text) {
        return of_number(number, Unit::Millis);
    }
    rfc3339(text.trim()).ok_or_else(wrong)
}

/// The time that a vendor's value is, if it is one: RFC 3339, or a likely number of milliseconds since 1970.
pub fn time_of(value: &Value) -> Option<DateTime<Utc>> {
    time(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_number_that_is_unlikely_for_its_unit_is_refused_with_the_unit_that_it_looks_like() {
        for (value, looks) in [
            (json!(0), "no time at all"),
            (json!("0"), "no time at all"),
            (json!("20261130"), "basic_date"),
            (json!(20_261_130), "basic_date"),
            (json!(1_767_225_600), "unix_s"),
            (json!("1767225600"), "unix_s"),
            (json!(1_767_225_600_000_000_i64), "microseconds"),
            (json!(1_767_225_600_000_000_000_i64), "nanoseconds"),
            (json!(17), "milliseconds since 1970"),
            (json!(-1), "milliseconds since 1970"),
        ] {
            let why = time(&value).unwrap_err();
            assert!(why.contains(looks), "{value}: {why}");
        }
        let why = of_number(1_767_225_600_000, Unit::Seconds).unwrap_err();
        assert!(why.contains("unix_ms"), "{why}");
    }

    #[test]
    fn likely_times_are_read() {
        for (value, want) in [
            (json!(1_767_225_600_000_i64), "2026-01-01T00:00:00Z"),
            (json!(1_767_225_600_000.0), "2026-01-01T00:00:00Z"),
            (json!("1767225600000.0"), "2026-01-01T00:00:00Z"),
            (json!(-473_385_600_000_i64), "1955-01-01T00:00:00Z"),
            (json!(253_402_300_799_999_i64), "9999-12-31T23:59:59.999Z"),
            (
                json!("2026-01-01T02:00:00.1234567+02:00"),
                "2026-01-01T00:00:00.123456Z",
            ),
        ] {
            assert_eq!(
                time(&value).unwrap(),
                want.parse::<DateTime<Utc>>().unwrap(),
                "{value}"
            );
        }
        let never = of_number(253_402_300_799, Unit::Seconds).unwrap();
        assert_eq!(never.to_rfc3339(), "9999-12-31T23:59:59+00:00");
    }

    #[test]
    fn no_time_outside_of_four_digits_and_no_leap_second_is_taken() {
        for text in [
            "9999-12-31T23:59:60Z",
            "2016-12-31T23:59:60Z",
            "9999-12-31T23:59:59-14:00",
            "0001-01-01T00:00:00+14:00",
            "0000-06-01T00:00:00Z",
            "yesterday",
        ] {
            assert!(time(&json!(text)).is_err(), "{text}");
        }
        assert!(time(&json!(true)).is_err());
    }
}
