//! What a column takes: the shape of its values and the limits that operations enforce, too.

use super::reader::{Made, Reader};
use crate::domain::asset::AssetLocation;
use crate::domain::check::{EXTERNAL_ID, LINE, TEXT, WORDS};
use crate::domain::entity::Entity;
use crate::record::{Cell, Field as _};
use chrono::{DateTime, Datelike};
use serde_json::Value;

/// What a column takes. Line breaks and control characters that a vendor has in a line become spaces; the vendor's
/// text stays beside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// One line of text.
    Line,
    /// A text of several lines.
    Text,
    /// One of these words.
    Word {
        /// The words.
        words: &'static [&'static str],
        /// The word for a value of the vendor that is none of them; None: no value.
        fallback: Option<&'static str>,
    },
    /// A number from 0 to this one.
    Number(f64),
    /// An amount of money that is not negative.
    Money,
    /// A time.
    Time,
    /// A day.
    Date,
    /// A place.
    Place,
    /// A list of short words.
    Words,
    /// An object.
    Object,
    /// A reference to a record of this kind.
    Reference(Entity),
    /// Any JSON value: a field of the user's own.
    Any,
}

/// Why a value does not fit: a slug and a sentence that begins behind the name of the field.
pub(super) type Misfit = (&'static str, String);

impl Shape {
    /// What it is called in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Line => "one line of text",
            Self::Text => "a text",
            Self::Word { .. } => "one of its words",
            Self::Number(_) => "a number",
            Self::Money => "an amount of money",
            Self::Time => "a time",
            Self::Date => "a date",
            Self::Place => "a place",
            Self::Words => "a list of words",
            Self::Object => "an object",
            Self::Reference(_) => "the vendor's id of a record",
            Self::Any => "any value",
        }
    }

    /// Why a value that a mapping names itself cannot stand in the column.
    pub(super) fn refuses(&self, value: &Value) -> Option<Misfit> {
        let reader = Reader::exact(self);
        match reader.read(value) {
            Ok(Made::Cell(cell) | Made::Beside(cell)) => self.limit(&cell),
            Ok(Made::Adapted(_)) => Some((
                "invalid_value",
                "does not fit as it is: nothing is rounded here".to_owned(),
            )),
            Ok(Made::Reference(_) | Made::Member(_) | Made::Nothing) => None,
            Err(e) => Some(e),
        }
    }

    /// The value as the column takes it: in one line where it takes lines.
    pub(super) fn adapt(&self, made: Made) -> Made {
        match (self, made) {
            // A text that is too long in any case is not looked through: it may be as large as an answer.
            (Self::Line, Made::Cell(Cell::Text(text)))
                if text.len() <= OCTETS * LINE && has_control(&text) =>
            {
                let line = one_line(&text);
                if line.trim().is_empty() {
                    return Made::Nothing;
                }
                Made::Adapted(Cell::Text(line.into()))
            }
            // A control character stands in JSON behind a backslash.
            (Self::Words, Made::Cell(Cell::Json(list))) if list.contains('\\') => {
                let words: Vec<String> = serde_json::from_str(&list).unwrap_or_default();
                if !words.iter().any(|word| has_control(word)) {
                    return Made::Cell(Cell::Json(list));
                }
                let words = words.iter().map(|word| one_line(word));
                let words = words.filter(|word| !word.trim().is_empty());
                Made::Adapted(words.collect::<Vec<_>>().cell().into_owned())
            }
            (_, made) => made,
        }
    }

    /// Why a cell is more than the column takes.
    pub(super) fn limit(&self, cell: &Cell<'_>) -> Option<Misfit> {
        match (self, cell) {
            (Self::Line, Cell::Text(text)) => long(text, LINE),
            (Self::Text, Cell::Text(text)) => long(text, TEXT),
            (Self::Number(most), Cell::Real(n)) if !(0.0..=*most).contains(n) => Some((
                "out_of_range",
                format!("is {n}; it must be from 0 to {most}"),
            )),
            (Self::Money, Cell::Int(n)) if *n < 0 => {
                Some(("out_of_range", "may not be negative".to_owned()))
            }
            (Self::Time, Cell::Time(at)) => DateTime::from_timestamp_micros(*at)
                .is_none_or(|t| !(1..=9999).contains(&t.year()))
                .then(|| ("out_of_range", "must lie in the years 1 to 9999".to_owned())),
            (Self::Words, Cell::Json(list)) => {
                // Two brackets and nothing between them is the usual list.
                if list.len() <= 2 {
                    return None;
                }
                let words: Vec<String> = serde_json::from_str(list).ok()?;
                if words.len() > WORDS {
                    let detail = format!("has {} entries; at most {WORDS} are kept", words.len());
                    return Some(("too_many", detail));
                }
                words.iter().find_map(|word| {
                    if word.trim().is_empty() {
                        return Some(("invalid_value", "has an empty entry".to_owned()));
                    }
                    long(word, LINE)
                })
            }
            (Self::Place, Cell::Json(place)) => {
                let place: AssetLocation = serde_json::from_str(place).ok()?;
                long(&place.location_name, LINE)
                    .or_else(|| place.address.as_deref().and_then(|a| long(a, TEXT)))
            }
            _ => None,
        }
    }
}

/// Why a value of a user's own field cannot be kept.
pub(super) fn member_limit(value: &Value) -> Option<Misfit> {
    value.as_str().and_then(|text| long(text, TEXT))
}

/// The most octets that stand for one character of a line: four of a character itself, or a line break of two
/// characters that becomes one.
const OCTETS: usize = 4;

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// A text in one line: a space for each line break and control character.
fn one_line(text: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    text.replace("\r\n", " ").chars().map(shown).collect()
}

/// Why an id cannot be one of a vendor's record.
pub(super) fn long_id(id: &str) -> Option<Misfit> {
    (id.len() > EXTERNAL_ID).then(|| {
        let detail = format!("has {} octets; an id has at most {EXTERNAL_ID}", id.len());
        ("too_long", detail)
    })
}

fn long(text: &str, most: usize) -> Option<Misfit> {
    // As many characters as octets at most, so short texts need no count.
    if text.len() <= most {
        return None;
    }
    let length = text.chars().count();
    (length > most).then(|| {
        let detail = format!("has {length} characters; at most {most} are kept");
        ("too_long", detail)
    })
}
