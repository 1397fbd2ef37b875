//! Checks of input values that collect every violation instead of stopping at the first.

use crate::error::Violation;
use crate::record::large;
use crate::{Error, Result, code};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// The longest single line, such as a title, in characters; vendors' titles of some hundreds are met.
pub const LINE: usize = 1_000;
/// The longest text, in characters.
pub const TEXT: usize = 20_000;
/// The longest id of a vendor's record, in octets.
pub const EXTERNAL_ID: usize = 200;
/// The longest number of a vendor's record for people, in octets.
pub const NUMBER: usize = 1_000;
/// The largest object of free fields, such as custom fields, in octets of its JSON.
pub const FIELDS: usize = 256 << 10;
/// The most words of a list, such as tags.
pub const WORDS: usize = 100;
/// The most hours that a work order can take.
pub const MAX_HOURS: f64 = 100_000.0;

/// The nearest of some names, if one is near.
pub fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    known
        .map(|k| (strsim::damerau_levenshtein(name, k), k))
        .filter(|(distance, k)| *distance <= (k.len().max(name.len()) / 3).max(1))
        .min()
        .map(|(_, k)| k)
}

/// Collects what is wrong with an input.
#[derive(Debug, Default)]
pub struct Checks {
    violations: Vec<Violation>,
}

impl Checks {
    /// Adds a violation.
    pub fn refuse(&mut self, field: &str, reason: &str, detail: impl Into<String>) {
        self.violations.push(Violation {
            field: field.to_owned(),
            reason: reason.to_owned(),
            detail: detail.into(),
        });
    }

    /// A line that may not be empty.
    pub fn line(&mut self, field: &str, value: &str) {
        let length = value.chars().count();
        if value.trim().is_empty() {
            self.refuse(field, "invalid_value", "may not be empty");
        } else if length > LINE {
            self.refuse(
                field,
                "invalid_value",
                format!("has {length} characters; at most {LINE} are kept"),
            );
        } else if value.chars().any(char::is_control) {
            self.refuse(
                field,
                "invalid_value",
                "is one line: line breaks and control characters are refused",
            );
        }
    }

    /// A line that may be left away.
    pub fn optional_line(&mut self, field: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.line(field, value);
        }
    }

    /// A text of several lines that may be left away.
    pub fn optional_text(&mut self, field: &str, value: Option<&str>) {
        if let Some(length) = value.map(|v| v.chars().count()).filter(|n| *n > TEXT) {
            self.refuse(
                field,
                "invalid_value",
                format!("has {length} characters; at most {TEXT} are kept"),
            );
        }
    }

    /// A number within a range.
    pub fn range(&mut self, field: &str, value: Option<f64>, range: RangeInclusive<f64>) {
        if let Some(value) = value
            && !range.contains(&value)
        {
            self.refuse(
                field,
                "out_of_range",
                format!(
                    "is {value}; it must be from {} to {}",
                    range.start(),
                    range.end()
                ),
            );
        }
    }

    /// A time that every calendar and language can hold.
    pub fn time(&mut self, field: &str, value: Option<DateTime<Utc>>) {
        if value.is_some_and(|t| !(1..=9999).contains(&t.year())) {
            self.refuse(field, "out_of_range", "must lie in the years 1 to 9999");
        }
    }

    /// A day that every calendar and language can hold.
    pub fn date(&mut self, field: &str, value: Option<NaiveDate>) {
        if value.is_some_and(|d| !(1..=9999).contains(&d.year())) {
            self.refuse(field, "out_of_range", "must lie in the years 1 to 9999");
        }
    }

    /// An amount that may not be negative.
    pub fn amount(&mut self, field: &str, value: Option<crate::money::Money>) {
        if value.is_some_and(crate::money::Money::is_negative) {
            self.refuse(field, "out_of_range", "may not be negative");
        }
    }

    /// An object of free fields.
    pub fn fields(&mut self, field: &str, value: &Map<String, Value>) {
        if let Ok(text) = serde_json::to_string(value)
            && let Some((reason, detail)) = large(text.len(), FIELDS)
        {
            self.refuse(field, reason, detail);
        }
    }

    /// A list of short words.
    pub fn words(&mut self, field: &str, values: &[String]) {
        if values.len() > WORDS {
            self.refuse(
                field,
                "invalid_value",
                format!("has {} entries; at most {WORDS} are kept", values.len()),
            );
        }
        for (i, value) in values.iter().enumerate() {
            self.line(&format!("{field}[{i}]"), value);
        }
    }

    /// Leaves what is wrong with fields that are changed: what is stored stays as it is.
    #[must_use]
    pub fn of_changes(mut self, is_changed: impl Fn(&str) -> bool) -> Self {
        let name = |v: &Violation| v.field.split(['[', '.']).next().is_none_or(&is_changed);
        self.violations.retain(name);
        self
    }

    /// Ends with an error that carries every violation, if there is one.
    ///
    /// # Errors
    /// `CMMS-INPUT-010` where a number is out of range, else `CMMS-INPUT-003`.
    pub fn finish(self, object: &str) -> Result<()> {
        let Some(first) = self.violations.first() else {
            return Ok(());
        };
        let row = if first.reason == "out_of_range" {
            code::INPUT_RANGE
        } else {
            code::INPUT_VALUE
        };
        let message = format!("{object}: {} {}", first.field, first.detail);
        Err(Error::new(row, message).violations_from(self.violations))
    }
}
