//! The closed set of transforms.

use super::MapError;
use super::path::Path;
use crate::domain::asset::AssetLocation;
use crate::domain::entity::Entity;
use crate::money::Money;
use crate::record::{Cell, Field, Json};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use std::borrow::Cow;

/// A table from a vendor's words to ours. Vendor words are compared without case, spaces, dashes and
/// underscores.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// Vendor's word, our word.
    pub table: Vec<(&'static str, &'static str)>,
    /// Our word for one that is not in the table; the vendor's stays beside the record. None: no value.
    pub unknown: Option<&'static str>,
    /// Our word where the vendor has none. None: no value.
    pub missing: Option<&'static str>,
}

/// How a value is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transform {
    /// A text; a number becomes its digits. Empty is the same as missing.
    Text,
    /// A number, also as a text.
    Number,
    /// An amount of money, also as a text.
    Money,
    /// A time: RFC 3339 or milliseconds since 1970.
    Time,
    /// A day: `2024-01-15`, or the UTC day of a time.
    Date,
    /// A word from a table.
    Words(Words),
    /// The id of something: a text, or an object with `id`.
    Id,
    /// The name of something: a text, or an object with `name` or `id`.
    Name,
    /// The id of one of the vendor's records of this kind, which becomes a reference to ours.
    Reference(Entity),
    /// A place: a text, or an object with `name`, `address`, `latitude`, `longitude`.
    Place,
    /// A list of texts.
    List,
    /// An object, kept as it is.
    Object,
}

/// What a transform made of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Made {
    /// A value for the column.
    Cell(Cell<'static>),
    /// A value for the column, and the vendor's own word to be kept beside.
    Beside(Cell<'static>),
    /// A reference to a record of the vendor.
    Reference(String),
    /// No value.
    Nothing,
}

/// A vendor's word as it is compared: lower case, without spaces, dashes and underscores.
pub fn normal(word: &str) -> String {
    word.chars()
        .filter(|c| !c.is_whitespace() && *c != '-' && *c != '_')
        .flat_map(char::to_lowercase)
        .collect()
}

fn text(s: impl Into<String>) -> Cell<'static> {
    Cell::Text(Cow::Owned(s.into()))
}

/// Whether the vendor means "unset": several write `""` for it.
fn is_unset(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|s| s.trim().is_empty())
}

impl Transform {
    /// One of our words: the vendor's own spelling of it, or the other words of a table. `other` stands for every
    /// word that is neither, and for none.
    pub fn words(
        ours: &[&'static str],
        table: &[(&'static str, &'static str)],
        other: &'static str,
    ) -> Self {
        let same = ours.iter().map(|word| (*word, *word));
        Self::Words(Words {
            table: table.iter().copied().chain(same).collect(),
            unknown: Some(other),
            missing: Some(other),
        })
    }

    /// Reads a value that is there.
    pub(super) fn make(&self, source: &Path, value: &Value) -> Result<Made, MapError> {
        let wrong = |reason: &'static str, want: &str| MapError {
            field: source.to_string(),
            reason,
            detail: format!("{source} should be {want} and is {}", shown(value)),
        };
        if is_unset(value) {
            return Ok(Made::Nothing);
        }
        let made = match self {
            Self::Text => text(scalar(value).ok_or_else(|| wrong("wrong_type", "a text"))?),
            Self::Number => number(value)
                .map(Cell::Real)
                .ok_or_else(|| wrong("bad_number", "a number"))?,
            Self::Money => {
                let digits =
                    scalar(value).ok_or_else(|| wrong("bad_number", "an amount of money"))?;
                let money: Money = digits
                    .parse()
                    .map_err(|_| wrong("bad_number", "an amount of money"))?;
                money.cell().into_owned()
            }
            Self::Time => time(value)
                .ok_or_else(|| wrong("bad_date", "a time"))?
                .cell()
                .into_owned(),
            Self::Date => date(value)
                .ok_or_else(|| wrong("bad_date", "a date"))?
                .cell()
                .into_owned(),
            Self::Words(words) => {
                let word = scalar(value).ok_or_else(|| wrong("wrong_type", "a word"))?;
                let key = normal(&word);
                let known = words.table.iter().find(|(theirs, _)| normal(theirs) == key);
                return Ok(match (known, words.unknown) {
                    (Some((_, ours)), _) => Made::Cell(text(*ours)),
                    (None, Some(ours)) => Made::Beside(text(ours)),
                    (None, None) => Made::Nothing,
                });
            }
            Self::Id => {
                text(of_object(value, &["id"]).ok_or_else(|| wrong("wrong_type", "an id"))?)
            }
            Self::Name => text(
                of_object(value, &["name", "id"]).ok_or_else(|| wrong("wrong_type", "a name"))?,
            ),
            Self::Reference(_) => {
                let id = of_object(value, &["id"]).ok_or_else(|| wrong("wrong_type", "an id"))?;
                return Ok(if id.trim().is_empty() {
                    Made::Nothing
                } else {
                    Made::Reference(id)
                });
            }
            Self::Place => Json(place(value).ok_or_else(|| wrong("wrong_type", "a place"))?)
                .cell()
                .into_owned(),
            Self::List => {
                let items = value
                    .as_array()
                    .ok_or_else(|| wrong("wrong_type", "a list"))?;
                let words: Option<Vec<String>> = items.iter().map(scalar).collect();
                words
                    .ok_or_else(|| wrong("wrong_type", "a list of texts"))?
                    .cell()
                    .into_owned()
            }
            Self::Object => value
                .as_object()
                .ok_or_else(|| wrong("wrong_type", "an object"))?
                .cell()
                .into_owned(),
        };
        Ok(Made::Cell(made))
    }

    /// What it makes of nothing.
    pub(super) fn missing(&self) -> Made {
        match self {
            Self::Words(words) => words.missing.map_or(Made::Nothing, |w| Made::Cell(text(w))),
            _ => Made::Nothing,
        }
    }
}

/// A value as it is shown in a message: short.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 80 {
        return text;
    }
    let head: String = text.chars().take(80).collect();
    format!("{head}…")
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => s.trim().parse().ok(),
        _ => None,
    }
    .filter(|n| n.is_finite())
}

fn time(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::String(s) => DateTime::parse_from_rfc3339(s.trim())
            .ok()
            .and_then(|t| DateTime::from_timestamp_micros(t.timestamp_micros()))
            .or_else(|| {
                s.trim()
                    .parse()
                    .ok()
                    .and_then(DateTime::from_timestamp_millis)
            }),
        Value::Number(n) => n.as_i64().and_then(DateTime::from_timestamp_millis),
        _ => None,
    }
}

fn date(value: &Value) -> Option<NaiveDate> {
    value
        .as_str()
        .and_then(|s| s.trim().parse().ok())
        .or_else(|| time(value).map(|t| t.date_naive()))
}

/// The text itself, or the first of these fields of an object that holds one.
fn of_object(value: &Value, names: &[&str]) -> Option<String> {
    match value {
        Value::Object(fields) => names
            .iter()
            .filter_map(|n| fields.get(*n))
            .filter(|v| !is_unset(v))
            .find_map(scalar),
        other => scalar(other),
    }
}

fn place(value: &Value) -> Option<AssetLocation> {
    let location_name = of_object(value, &["name", "id"])?;
    let number_of = |name| value.get(name).and_then(number);
    Some(AssetLocation {
        location_name,
        address: value
            .get("address")
            .and_then(Value::as_str)
            .map(str::to_owned),
        coordinates: number_of("latitude")
            .zip(number_of("longitude"))
            .map(|(lat, long)| [lat, long]),
        ..AssetLocation::default()
    })
}
