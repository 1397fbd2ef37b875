//! A vendor's record as it is kept: byte for byte where it is JSON that everybody can read.

use super::field::wrong;
use super::{Cell, Field, Kind};
use crate::Result;
use serde::de::Deserializer;
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Begins a JSON text (a string) that carries what is no JSON.
const MARK: &str = "not readable as JSON: ";
/// The longest text that is carried whole, in octets; of a longer one its beginning is.
const CARRIED: usize = 16 << 20;
/// What is carried of a text that is too long, in octets.
const BEGINNING: usize = 1 << 20;
/// The levels of lists and objects that are read.
pub const DEPTH: usize = 64;

/// A JSON text kept byte for byte, such as a vendor's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawJson(pub Box<str>);

impl RawJson {
    /// Keeps a text as it is where it is JSON that every store keeps and every language reads. What is not (broken,
    /// `NaN`, numbers beyond all ranges, halves of characters, nested beyond [`DEPTH`]) is carried as a JSON string
    /// that says so and has the text.
    pub fn carrying(text: Box<str>) -> Self {
        if text.len() > CARRIED {
            let end = (0..=BEGINNING)
                .rev()
                .find(|end| text.is_char_boundary(*end));
            let head = text.get(..end.unwrap_or_default()).unwrap_or_default();
            let all = text.len();
            return Self(quoted(&format!(
                "{MARK}the beginning of {all} octets: {head}"
            )));
        }
        match serde_json::from_str::<Value>(&text) {
            Ok(value) if is_plain(&value, DEPTH) => Self(text),
            _ => Self(quoted(&format!("{MARK}{text}"))),
        }
    }

    /// The text as it came.
    pub fn text(&self) -> Cow<'_, str> {
        Self::carried(&self.0).map_or(Cow::Borrowed(&self.0), Cow::Owned)
    }

    /// The text that a JSON string carries, if it carries one that is no JSON.
    pub fn carried(json: &str) -> Option<String> {
        if !json.strip_prefix('"')?.starts_with(MARK) {
            return None;
        }
        let text: String = serde_json::from_str(json).ok()?;
        text.strip_prefix(MARK).map(str::to_owned)
    }
}

fn quoted(text: &str) -> Box<str> {
    Value::from(text).to_string().into()
}

/// Whether a value is nested no deeper than so many levels.
fn is_plain(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|v| is_plain(v, levels - 1)),
        Value::Object(fields) => levels > 0 && fields.values().all(|v| is_plain(v, levels - 1)),
        _ => true,
    }
}

impl Field for RawJson {
    const KIND: Kind = Kind::Json;
    fn cell(&self) -> Cell<'_> {
        Cell::Json(Cow::Borrowed(&self.0))
    }
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Json(text) => Ok(Self(text.into())),
            other => Err(wrong(Kind::Json, &other)),
        }
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(d)?;
        Ok(Self(raw.get().into()))
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        // An answer is read by every language, whatever is stored.
        let shown = match serde_json::from_str::<Value>(&self.0) {
            Ok(value) if is_plain(&value, DEPTH) => Cow::Borrowed(self),
            _ => Cow::Owned(Self::carrying(self.0.clone())),
        };
        let raw: &RawValue = serde_json::from_str(&shown.0).map_err(S::Error::custom)?;
        raw.serialize(s)
    }
}

impl schemars::JsonSchema for RawJson {
    fn schema_name() -> Cow<'static, str> {
        "RawJson".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Any JSON value, as the vendor sent it; a text that is no JSON as a string that says so."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deep(levels: usize) -> String {
        format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn json_is_kept_byte_for_byte() {
        let deep = deep(64);
        for text in [
            r#"{ "b":1 ,"a":1.50, "\u00e9\u0000":"é" }"#,
            "null",
            "1.0",
            r#""a""#,
            &deep,
        ] {
            let raw = RawJson::carrying(text.into());
            assert_eq!((&*raw.0, &*raw.text()), (text, text));
            assert_eq!(serde_json::to_string(&raw).unwrap(), text);
        }
    }

    #[test]
    fn what_is_no_json_is_carried_as_a_string_that_says_so() {
        for text in [
            r#"{"a":1e999}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":NaN}"#,
            "{\"a\":\"\0\"}",
            r#"{"a":"#,
            "",
            &deep(65),
            &deep(10_000),
        ] {
            let raw = RawJson::carrying(text.into());
            assert_eq!(raw.text(), text);
            assert!(raw.cell().refused().is_none(), "{raw:?}");
            let answer = serde_json::to_string(&raw).unwrap();
            let read: String = serde_json::from_str(&answer).unwrap();
            assert_eq!(read, format!("{MARK}{text}"));
            // What a store has from before is answered so, too.
            let stored = RawJson(text.into());
            assert_eq!(serde_json::to_string(&stored).unwrap(), answer);
        }
    }

    #[test]
    fn of_a_text_that_is_too_long_the_beginning_is_carried() {
        let raw = RawJson::carrying("é".repeat(CARRIED).into());
        assert!(raw.0.len() < 2 * BEGINNING);
        assert!(raw.text().starts_with("the beginning of"));
    }
}
