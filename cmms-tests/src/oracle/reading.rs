//! How single values of the vendor are read, from the fact sheet.

use chrono::{DateTime, Utc};
use cmms::Priority;
use serde_json::Value;

/// `""`, null and missing all mean unset; a number where a text is usual is its text.
pub(super) fn text(value: &Value, field: &str) -> Option<String> {
    match &value[field] {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A text of one line: line breaks and control characters are spaces.
pub(super) fn line(value: &Value, field: &str) -> Option<String> {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    let text = text(value, field)?.replace("\r\n", " ");
    let line: String = text.chars().map(shown).collect();
    (!line.trim().is_empty()).then_some(line)
}

/// Case, spaces, dashes and underscores do not count in the vendor's words.
pub(super) fn plain(word: &str) -> String {
    let kept = word.chars().filter(|c| !matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).collect()
}

/// A reference is an id or an object.
pub(super) fn reference(value: &Value, field: &str) -> Option<String> {
    match &value[field] {
        object @ Value::Object(_) => text(object, "id"),
        _ => text(value, field),
    }
}

/// A place is a text, or an object with a name; the first field that has one counts.
pub(super) fn place(value: &Value, fields: &[&str]) -> Option<String> {
    fields.iter().find_map(|field| match &value[*field] {
        object @ Value::Object(_) => text(object, "name"),
        _ => text(value, field),
    })
}

/// A time is ISO text or milliseconds since 1970.
pub(super) fn time(value: &Value, field: &str) -> Option<DateTime<Utc>> {
    let text = text(value, field)?;
    match text.parse::<i64>() {
        Ok(milliseconds) => DateTime::from_timestamp_millis(milliseconds),
        Err(_) => DateTime::parse_from_rfc3339(&text).ok().map(Into::into),
    }
}

/// An amount in ten-thousandths, from a number or a text, without a float in between.
pub(super) fn money(value: &Value, field: &str) -> Option<i64> {
    text(value, field).as_deref().and_then(ten_thousandths)
}

pub(super) fn ten_thousandths(amount: &str) -> Option<i64> {
    let (whole, part) = amount.split_once('.').unwrap_or((amount, ""));
    let digits = format!("{part:0<4}");
    let (part, rest) = digits.split_at_checked(4)?;
    let exact = rest.bytes().all(|b| b == b'0');
    let sign = if whole.starts_with('-') { -1 } else { 1 };
    let (whole, part) = (whole.parse::<i64>().ok()?, part.parse::<i64>().ok()?);
    exact.then(|| whole * 10_000 + sign * part)
}

/// 3 is high, 2 medium, 1, 0 and none low; any other word is medium and kept.
pub(super) fn priority(value: &Value) -> (Priority, Option<String>) {
    match text(value, "priority").as_deref() {
        None | Some("0" | "1") => (Priority::Low, None),
        Some("2") => (Priority::Medium, None),
        Some("3") => (Priority::High, None),
        Some(other) => (Priority::Medium, Some(other.to_owned())),
    }
}

/// `WO-YYYYMMDD-NNNN`, with four digits or more at the end.
pub(super) fn is_number(number: &str) -> bool {
    let parts: Vec<_> = number.split('-').collect();
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    matches!(parts.as_slice(), ["WO", day, count]
        if day.len() == 8 && digits(day) && count.len() >= 4 && digits(count))
}
