//! Equality filters of lists.

use serde_json::Value;

use super::table::Record;

/// How the value of a filter is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Exactly the text.
    Text,
    /// The id of a reference, in whichever form the record has it.
    Reference,
    /// The status, in whichever spelling the record has it.
    Status,
    /// `true` or `false`; a record without the field has `false`.
    Flag,
    /// A whole number; the record may have it as text.
    Number,
}

/// One condition on records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filter {
    Text(&'static str, String),
    Reference(&'static str, String),
    Status(String),
    Flag(&'static str, bool),
    Number(&'static str, i64),
    Updated { from: Option<i64>, to: Option<i64> },
}

impl Filter {
    /// Reads the filter `field=text`; `None` if the text does not suit.
    pub(super) fn parse(field: &'static str, kind: Kind, text: &str) -> Option<Self> {
        match kind {
            Kind::Text => Some(Self::Text(field, text.to_owned())),
            Kind::Reference => Some(Self::Reference(field, text.to_owned())),
            Kind::Status => Some(Self::Status(plain_status(text))),
            Kind::Flag => text.parse().ok().map(|flag| Self::Flag(field, flag)),
            Kind::Number => text.parse().ok().map(|number| Self::Number(field, number)),
        }
    }

    fn matches(&self, record: &Record, value: &Value) -> bool {
        match self {
            Self::Text(field, wanted) => value.get(field).and_then(Value::as_str) == Some(wanted),
            Self::Reference(field, wanted) => reference(value, field) == Some(wanted),
            Self::Status(wanted) => status(value).as_ref() == Some(wanted),
            Self::Flag(field, wanted) => flag(value, field) == *wanted,
            Self::Number(field, wanted) => number(value, field) == Some(*wanted),
            Self::Updated { from, to } => {
                from.is_none_or(|from| record.updated >= from)
                    && to.is_none_or(|to| record.updated <= to)
            }
        }
    }
}

/// Tells whether a record satisfies all filters.
pub(super) fn all_match(filters: &[Filter], record: &Record) -> bool {
    if filters.is_empty() {
        return true;
    }
    let needs_value = filters
        .iter()
        .any(|filter| !matches!(filter, Filter::Updated { .. }));
    let value = if needs_value {
        record.value()
    } else {
        Value::Null
    };
    filters.iter().all(|filter| filter.matches(record, &value))
}

/// Brings the spellings of a status together: `In Progress`, `inProgress`.
pub(super) fn plain_status(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, ' ' | '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

fn status(value: &Value) -> Option<String> {
    value
        .get("status")
        .and_then(Value::as_str)
        .map(plain_status)
}

fn reference<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    let other_name = if field == "location" {
        "objectLocationForWorkOrder"
    } else {
        field
    };
    let found = value.get(field).or_else(|| value.get(other_name))?;
    found
        .as_str()
        .or_else(|| found.get("id").and_then(Value::as_str))
}

fn flag(value: &Value, field: &str) -> bool {
    match value.get(field) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text == "true",
        _ => field == "isComplete" && status(value).as_deref() == Some("complete"),
    }
}

fn number(value: &Value, field: &str) -> Option<i64> {
    let found = value.get(field)?;
    found
        .as_i64()
        .or_else(|| found.as_str().and_then(|text| text.parse().ok()))
}
