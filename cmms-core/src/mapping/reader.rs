//! Transforms, prepared: what reads a value into a cell.

use super::shape::{Misfit, Shape};
use super::transform::{Transform, Words, is_unset, scalar};
use super::words::Dictionary;
use crate::domain::check::nearest;
use crate::record::Cell;
use serde_json::Value;
use std::borrow::Cow;

/// What a reader made of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Made {
    /// A value for the column.
    Cell(Cell<'static>),
    /// A value for the column, and the vendor's own word to be kept beside.
    Beside(Cell<'static>),
    /// The vendor's value for the column, made fit for it, and the vendor's own to be kept beside.
    Adapted(Cell<'static>),
    /// A reference to a record of the vendor.
    Reference(String),
    /// A field of the user's own.
    Member(Value),
    /// No value.
    Nothing,
}

/// What reads a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reader {
    /// A transform without a table.
    Plain(Transform),
    /// A word.
    Words(WordReader),
    /// Any JSON value, as it is.
    Any,
}

/// A table of words, prepared.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WordReader {
    table: Dictionary<Cow<'static, str>>,
    /// For a word that is not in the table.
    unknown: Unknown,
    /// Our word where there is none.
    missing: Option<&'static str>,
}

/// What becomes of a word that is not in the table.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Unknown {
    /// No value.
    Nothing,
    /// Our word; the vendor's stays beside the record.
    Beside(&'static str),
    /// The record is refused; the words that could have been meant.
    Refused(&'static [&'static str]),
}

fn words_of(words: &Words) -> Dictionary<Cow<'static, str>> {
    let mut table = Dictionary::default();
    for (theirs, ours) in &words.table {
        table.add(theirs, Cow::Borrowed(*ours), false);
    }
    table
}

impl Reader {
    /// The reader of a rule that an adapter ships.
    pub(super) fn new(transform: &Transform) -> Self {
        match transform {
            Transform::Words(words) => Self::Words(WordReader {
                table: words_of(words),
                unknown: words.unknown.map_or(Unknown::Nothing, Unknown::Beside),
                missing: words.missing,
            }),
            other => Self::Plain(other.clone()),
        }
    }

    /// The reader of a vendor's value that a user sends to a column as it is: our own words and those that the
    /// adapter knows for the column; other words fall back and stay beside.
    pub(super) fn of(shape: &Shape, known: &[&Words]) -> Self {
        let Shape::Word { words, fallback } = shape else {
            return Self::exact(shape);
        };
        let mut table = Dictionary::of(words);
        for known in known {
            for (theirs, ours) in &known.table {
                table.add(theirs, Cow::Borrowed(*ours), false);
            }
        }
        let unknown = known.iter().find_map(|w| w.unknown).or(*fallback);
        Self::Words(WordReader {
            table,
            unknown: unknown.map_or(Unknown::Nothing, Unknown::Beside),
            missing: *fallback,
        })
    }

    /// The reader of what a user's rule gives: a word must be one of ours.
    pub(super) fn exact(shape: &Shape) -> Self {
        Self::Plain(match shape {
            Shape::Word { words, fallback } => {
                return Self::Words(WordReader {
                    table: Dictionary::of(words),
                    unknown: Unknown::Refused(words),
                    missing: *fallback,
                });
            }
            Shape::Any => return Self::Any,
            Shape::Line | Shape::Text => Transform::Text,
            Shape::Number(_) => Transform::Number,
            Shape::Money => Transform::Money,
            Shape::Time => Transform::Time,
            Shape::Date => Transform::Date,
            Shape::Place => Transform::Place,
            Shape::Words => Transform::List,
            Shape::Object => Transform::Object,
            Shape::Reference(entity) => Transform::Reference(*entity),
        })
    }

    /// Reads a value that is there.
    pub(super) fn read(&self, value: &Value) -> Result<Made, Misfit> {
        if is_unset(value) {
            return Ok(Made::Nothing);
        }
        match self {
            Self::Plain(transform) => transform.make(value),
            Self::Any => Ok(Made::Member(value.clone())),
            Self::Words(words) => words.read(value),
        }
    }

    /// What it makes of nothing.
    pub(super) fn missing(&self) -> Made {
        match self {
            Self::Words(words) => words
                .missing
                .map_or(Made::Nothing, |w| Made::Cell(Cell::text(w))),
            _ => Made::Nothing,
        }
    }
}

impl WordReader {
    fn read(&self, value: &Value) -> Result<Made, Misfit> {
        let word = scalar(value).ok_or_else(|| ("wrong_type", "should be a word".to_owned()))?;
        if let Some(ours) = self.table.find(&word) {
            return Ok(Made::Cell(Cell::Text(ours.clone())));
        }
        match self.unknown {
            Unknown::Nothing => Ok(Made::Nothing),
            Unknown::Beside(ours) => Ok(Made::Beside(Cell::text(ours))),
            Unknown::Refused(words) => {
                let hint = match nearest(&word, words.iter().copied()) {
                    Some(near) => format!("; did you mean {near}?"),
                    None => String::new(),
                };
                let detail = format!("must be one of: {}{hint}", words.join(", "));
                Err(("unknown_value", detail))
            }
        }
    }
}
