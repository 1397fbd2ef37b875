//! What an adapter reads of a record by itself; all else is the mapping's.

use super::unreadable::told;
use chrono::{DateTime, Utc};
use cmms_core::domain::check::EXTERNAL_ID;
use cmms_core::mapping::time_of;
use cmms_core::ports::adapter::ExternalRecord;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// A record byte for byte, with the id and the time of the last change that its top-level fields of these
/// names hold. An id is a text or a whole number; a time is RFC 3339 or milliseconds since 1970.
///
/// A record whose id cannot be read has none and goes into quarantine; one whose time cannot be read has no
/// time.
///
/// ```
/// use cmms_adapters::http::record;
/// let page: Vec<&serde_json::value::RawValue> =
///     serde_json::from_str(r#"[{"no": 7, "changed": "2026-05-01T08:00:00Z"}]"#)?;
/// let record = record(page[0], "no", "changed");
/// assert_eq!(record.external_id.as_deref(), Some("7"));
/// assert!(record.updated_at.is_some());
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn record(raw: &RawValue, id: &str, updated_at: &str) -> ExternalRecord {
    let mut head = Head {
        names: (id, updated_at),
        id: None,
        updated_at: None,
    };
    // Of a record that cannot be read there is what can be told of it.
    let told = told(raw.get());
    let (raw, text) = match &told {
        Some((raw, head)) => (raw.as_str(), head.as_str()),
        None => (raw.get(), raw.get()),
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    // What is no object has neither.
    let _ = reader.deserialize_map(&mut head);
    ExternalRecord {
        listed_archived: None,
        external_id: head.id,
        updated_at: head.updated_at,
        raw: raw.into(),
    }
}

struct Head<'n> {
    names: (&'n str, &'n str),
    id: Option<String>,
    updated_at: Option<DateTime<Utc>>,
}

impl<'de> Visitor<'de> for &mut Head<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            if name == self.names.0 {
                self.id = map.next_value::<Value>().ok().and_then(of_id);
            } else if name == self.names.1 {
                self.updated_at = map.next_value::<Value>().ok().as_ref().and_then(time_of);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// A field's name, borrowed where it holds no escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// An id that can be kept.
fn of_id(value: Value) -> Option<String> {
    let id = match value {
        Value::String(s) => s,
        Value::Number(n) if n.is_u64() => n.to_string(),
        _ => return None,
    };
    let fits =
        !id.trim().is_empty() && id.len() <= EXTERNAL_ID && !id.chars().any(char::is_control);
    fits.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_cannot_be_kept_is_none_and_the_record_stays_whole() {
        let long = format!(r#"{{"id": "{}"}}"#, "x".repeat(201));
        for (text, id) in [
            (r#"{"id": "a"}"#, Some("a")),
            (r#"{"i\u0064": "b"}"#, Some("b")),
            (r#"{"id": 12}"#, Some("12")),
            (r#"{"id": -1}"#, None),
            (r#"{"id": 1.5}"#, None),
            (r#"{"id": " "}"#, None),
            (r#"{"id": "a\nb"}"#, None),
            (r#"{"id": {"id": "c"}}"#, None),
            (r#"{"x": {"id": "c"}}"#, None),
            (r#"[{"id": "d"}]"#, None),
            ("7", None),
            (long.as_str(), None),
        ] {
            let raw: &RawValue = serde_json::from_str(text).unwrap();
            let read = record(raw, "id", "at");
            assert_eq!(read.external_id.as_deref(), id, "{text}");
            assert_eq!(&*read.raw, text);
        }
    }

    #[test]
    fn a_time_is_rfc_3339_or_milliseconds() {
        for (text, millis) in [
            (
                r#"{"at": "1970-01-01T00:00:01+00:00", "id": 1}"#,
                Some(1000),
            ),
            (r#"{"at": "1767225600000"}"#, Some(1_767_225_600_000)),
            (r#"{"at": 1767225600000.0}"#, Some(1_767_225_600_000)),
            // Seconds, which must not become a day of 1970.
            (r#"{"at": 1767225600}"#, None),
            (r#"{"at": "yesterday"}"#, None),
            (r#"{"at": null}"#, None),
        ] {
            let raw: &RawValue = serde_json::from_str(text).unwrap();
            let read = record(raw, "id", "at").updated_at;
            assert_eq!(read.map(|at| at.timestamp_millis()), millis, "{text}");
        }
    }
}
