//! Times: ISO 8601, UTC, milliseconds and `Z`; HTTP dates.

use chrono::{DateTime, SecondsFormat};

/// Writes epoch milliseconds the way the vendor answers times.
pub(crate) fn iso(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads a time of the vendor's format as epoch milliseconds.
pub(crate) fn parse_iso(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|time| time.timestamp_millis())
}

/// Writes epoch milliseconds as the value of an HTTP `Date` header.
pub(crate) fn http_date(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms)
        .unwrap_or_default()
        .format("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}
