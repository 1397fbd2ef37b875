//! How a link remembers the values that were pulled last.
//!
//! They are only ever compared, so a long text is remembered by its digest: links would otherwise hold each
//! description twice, and be the larger part of a database. What is compared is the text that was written, never a
//! number that was read from it again: what a reader rounds would look like a change.

use crate::failpoint::{Failpoint, is_on};
use crate::mapping::{canonical, cell_json};
use crate::record::{Cell, Digest, RawJson};
use crate::{Error, Result};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The longest text, in octets, that is remembered as it is.
const LONGEST: usize = 40;
/// Before a digest. A text that begins with it is remembered by its digest, too, whatever its length.
const MARK: char = '~';

/// A text as a snapshot keeps it.
fn text(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST && !text.starts_with(MARK) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{MARK}{}", Digest::of(&[text.as_bytes()])))
}

/// Writes a cell as a snapshot keeps it, in JSON.
pub(super) fn put(to: &mut Vec<u8>, cell: &Cell<'_>) {
    match cell {
        Cell::Text(long) => put_json(to, &text(long)),
        Cell::Json(text) => to.extend_from_slice(text.as_bytes()),
        other => put_json(to, &cell_json(other)),
    }
}

/// Writes a value in JSON.
pub(super) fn put_json(to: &mut Vec<u8>, value: &impl serde::Serialize) {
    // Memory takes all, and none of our values has names that are no texts.
    let _ = serde_json::to_writer(to, value);
}

/// A cell as a snapshot keeps it, in JSON.
pub(super) fn of_cell(cell: &Cell<'_>) -> String {
    let mut json = Vec::new();
    put(&mut json, cell);
    String::from_utf8(json).unwrap_or_default()
}

/// A value as a snapshot keeps it, in JSON.
pub(super) fn of_value(value: &Value) -> String {
    match value {
        Value::String(long) => Value::from(text(long)).to_string(),
        other => other.to_string(),
    }
}

/// Whether two values of a snapshot are the same: objects may name their fields in any order.
pub(super) fn is_same(a: &str, b: &str) -> bool {
    fn sorted(text: &str) -> Option<String> {
        let value: Value = serde_json::from_str(text).ok()?;
        Some(canonical(&value))
    }
    a == b || (a.contains('{') && b.contains('{') && sorted(a) == sorted(b))
}

/// What was pulled last, field by field.
#[derive(Debug, Default)]
pub(super) struct Pulled(BTreeMap<String, Box<RawValue>>);

impl Pulled {
    /// Reads what a link remembers.
    ///
    /// # Errors
    /// `CMMS-INTERNAL-001` for what is no snapshot.
    pub(super) fn read(snapshot: &RawJson) -> Result<Self> {
        let mut fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&snapshot.0)
            .map_err(|e| Error::internal("a link's snapshot cannot be read").source(e))?;
        if is_on(Failpoint::RoundSnapshots) {
            fields.values_mut().for_each(round);
        }
        Ok(Self(fields))
    }

    /// The value of a field, in JSON.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.get())
    }

    /// Gives a field this value, in JSON, or none.
    pub(super) fn put(&mut self, name: &str, value: Option<&str>) {
        let value = value.and_then(|json| RawValue::from_string(json.to_owned()).ok());
        match value {
            Some(value) => self.0.insert(name.to_owned(), value),
            None => self.0.remove(name),
        };
    }

    /// The same as a link keeps it.
    ///
    /// # Errors
    /// `CMMS-INTERNAL-001` where it cannot be written.
    pub(super) fn write(&self) -> Result<RawJson> {
        serde_json::to_string(&self.0)
            .map(|text| RawJson(text.into()))
            .map_err(|e| Error::internal("a link's snapshot cannot be written").source(e))
    }

    /// The value of a field that is a text.
    pub(super) fn word(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?).ok()
    }

    /// All fields with their values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.get()))
    }
}

/// What the twin breaks: numbers lose what a careless reader would take for nothing.
fn round(value: &mut Box<RawValue>) {
    let text = value.get();
    let is_long = text.len() > 16 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let cut = text.get(..text.len().saturating_sub(1)).filter(|_| is_long);
    if let Some(cut) = cut.and_then(|cut| RawValue::from_string(cut.to_owned()).ok()) {
        *value = cut;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Field;
    use serde_json::json;

    fn kept(text: &str) -> String {
        of_cell(&Cell::text(text))
    }

    #[test]
    fn short_texts_stay_and_long_ones_become_digests() {
        let longest = "x".repeat(LONGEST);
        assert_eq!(kept(&longest), format!("{longest:?}"));
        let long = "x".repeat(LONGEST + 1);
        assert!(kept(&long).len() <= LONGEST + 2);
        assert_ne!(kept(&long), kept(&format!("{long}x")));
        assert_eq!(kept(&long), of_value(&json!(long)));
    }

    /// Else a vendor whose text is the digest of another would go unnoticed.
    #[test]
    fn no_text_is_kept_like_the_digest_of_another() {
        let digest = text(&"x".repeat(100)).into_owned();
        assert_ne!(kept(&digest), format!("{digest:?}"));
    }

    #[test]
    fn other_values_stay() {
        for other in [json!(null), json!(17.5), json!(["x".repeat(100)])] {
            assert_eq!(of_value(&other), other.to_string());
        }
    }

    #[test]
    fn a_number_is_the_same_only_where_its_text_is() {
        for k in 0..600_u32 {
            let hours = f64::from(k) / 60.0;
            let snapshot = RawJson(format!("{{\"h\":{}}}", of_cell(&hours.cell())).into());
            let pulled = Pulled::read(&snapshot).unwrap();
            assert!(is_same(pulled.get("h").unwrap(), &of_cell(&hours.cell())));
        }
        assert!(!is_same("9007199254740993", "9007199254740992"));
        assert!(is_same(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#));
        assert!(!is_same(r#"{"a":1.5}"#, r#"{"a":1.25}"#));
    }
}
