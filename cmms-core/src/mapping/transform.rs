//! The closed set of transforms.

use super::moment;
use super::reader::Made;
use super::shape::Misfit;
use crate::Error;
use crate::domain::asset::AssetLocation;
use crate::domain::entity::Entity;
use crate::domain::large_whole::is_large;
use crate::money::{Money, require_exact};
use crate::record::{Cell, Field, Json};
use chrono::{Datelike, NaiveDate};
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
    /// An amount of money, also as a text; what stands behind the fourth place is rounded away.
    Money,
    /// A time: RFC 3339 or milliseconds since 1970, where these are likely.
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

fn text(s: impl Into<String>) -> Cell<'static> {
    Cell::Text(Cow::Owned(s.into()))
}

/// Whether the vendor means "unset": several write `""` for it.
pub(super) fn is_unset(value: &Value) -> bool {
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
    pub(super) fn make(&self, value: &Value) -> Result<Made, Misfit> {
        let wrong = |reason: &'static str, want: &str| (reason, format!("should be {want}"));
        let made = match self {
            Self::Text => text(scalar(value).ok_or_else(|| wrong("wrong_type", "a text"))?),
            Self::Number => {
                if scalar(value).is_some_and(|text| is_large(text.trim())) {
                    return Err((LARGE_NUMBER, large_number("is")));
                }
                number(value)
                    .map(Cell::Real)
                    .ok_or_else(|| wrong("bad_number", "a number"))?
            }
            Self::Money => return money(value),
            Self::Time => moment::time(value)
                .map_err(|why| ("bad_date", why))?
                .cell()
                .into_owned(),
            Self::Date => date(value)
                .map_err(|why| ("bad_date", why))?
                .cell()
                .into_owned(),
            // Tables are prepared as readers of their own.
            Self::Words(_) => return Err(wrong("wrong_type", "a word of a prepared table")),
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
                    Made::Reference(id.into_owned())
                });
            }
            Self::Place => Json(place(value).ok_or_else(|| wrong("wrong_type", "a place"))?)
                .cell()
                .into_owned(),
            Self::List => {
                let items = value
                    .as_array()
                    .ok_or_else(|| wrong("wrong_type", "a list"))?;
                let words: Option<Vec<String>> = items
                    .iter()
                    .map(|item| scalar(item).map(Cow::into_owned))
                    .collect();
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
}

/// A value as it is shown in a message: short.
pub(super) fn shown(value: &Value) -> String {
    // A long text is cut before it is written out.
    let text = match value.as_str().filter(|s| s.len() > 400) {
        Some(long) => Value::from(long.chars().take(100).collect::<String>()).to_string(),
        None => value.to_string(),
    };
    if text.chars().count() <= 80 {
        return text;
    }
    let head: String = text.chars().take(80).collect();
    format!("{head}…")
}

/// Why a whole number of more than 64 bits cannot be kept.
pub(super) const LARGE_NUMBER: &str = "large_number";

/// The same in words that go behind "it".
pub(super) fn large_number(how: &str) -> String {
    format!(
        "{how} a whole number of more than 64 bits, which would be rounded: the vendor has to send it as text, or a \
         mapping has to make one of it with the rule {{\"type\": \"type_conversion\", \"to\": \"string\"}}"
    )
}

/// Floating numbers below it that are whole are told apart from their neighbours.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A text, or a number or truth value in its letters: those of `3.0` are `3`.
pub(super) fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(s) => Some(Cow::Borrowed(s)),
        Value::Number(n) => Some(Cow::Owned(match n.as_f64().filter(|_| n.is_f64()) {
            // Without the sign of a zero.
            Some(whole) if whole.fract() == 0.0 && whole.abs() < EXACT => {
                format!("{:.0}", whole + 0.0)
            }
            _ => n.to_string(),
        })),
        Value::Bool(true) => Some(Cow::Borrowed("true")),
        Value::Bool(false) => Some(Cow::Borrowed("false")),
        _ => None,
    }
}

/// A number, also as a text.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => s.trim().parse().ok(),
        _ => None,
    }
    .filter(|n| n.is_finite())
}

/// Why something is no amount of money that can be kept, in words that go behind "it".
pub(super) fn amount(value: &Value) -> Result<(Money, bool), Misfit> {
    let why = |e: Error| {
        let why = e.message().strip_prefix("the amount ").map(str::to_owned);
        let why = why.unwrap_or_else(|| "should be an amount of money".to_owned());
        ("bad_number", why)
    };
    if let Value::Number(n) = value
        && let Some(number) = n.as_f64().filter(|_| n.is_f64())
    {
        require_exact(number).map_err(why)?;
    }
    let no_money = || ("bad_number", "should be an amount of money".to_owned());
    let digits = scalar(value).filter(|_| !value.is_boolean());
    let digits = digits.ok_or_else(no_money)?;
    Money::rounded(&digits).map_err(why)
}

/// What a vendor's arithmetic left behind the last place is rounded away, and the vendor's value stays beside.
fn money(value: &Value) -> Result<Made, Misfit> {
    let (money, is_rounded) = amount(value)?;
    let cell = money.cell().into_owned();
    Ok(if is_rounded {
        Made::Adapted(cell)
    } else {
        Made::Cell(cell)
    })
}

/// A day, or the UTC day of a time.
fn date(value: &Value) -> Result<NaiveDate, String> {
    let day = value
        .as_str()
        .and_then(|s| s.trim().parse::<NaiveDate>().ok());
    match day {
        Some(day) if (1..=9999).contains(&day.year()) => Ok(day),
        Some(_) => Err("must lie in the years 1 to 9999".to_owned()),
        None => moment::time(value)
            .map(|at| at.date_naive())
            .map_err(|why| why.replace("should be a time", "should be a date")),
    }
}

/// The text itself, or the first of these fields of an object that holds one.
fn of_object<'v>(value: &'v Value, names: &[&str]) -> Option<Cow<'v, str>> {
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
    let location_name = of_object(value, &["name", "id"])?.into_owned();
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
