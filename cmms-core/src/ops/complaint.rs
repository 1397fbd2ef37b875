//! What is wrong with an input, in words for people.

pub(super) use crate::domain::check::nearest;
use crate::{Error, code};
use serde::de;
use std::fmt::{self, Display};

/// What serde complains about, before it has a field.
#[derive(Debug)]
pub(super) struct Complaint {
    path: Vec<String>,
    what: What,
}

/// What is wrong.
#[derive(Debug)]
pub(super) enum What {
    UnknownField(String, &'static [&'static str]),
    UnknownWord(String, &'static [&'static str]),
    Missing(&'static str),
    Duplicate,
    Type(String),
    Range(&'static str),
    Value(String),
    /// A date in place of a time.
    Day(String),
    Nul,
    LeapSecond,
}

impl Complaint {
    pub(super) fn new(what: What) -> Self {
        Self {
            path: Vec::new(),
            what,
        }
    }

    /// The same, where a text was read: a date that ends where a time would go on is told as what it is.
    pub(super) fn of_text(mut self, day: Option<String>) -> Self {
        if let (What::Value(m), Some(day)) = (&self.what, day)
            && m.contains("premature end of input")
        {
            self.what = What::Day(day);
        }
        self
    }

    pub(super) fn below(mut self, name: &str) -> Self {
        self.path.insert(0, name.to_owned());
        self
    }
}

impl Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.what)
    }
}

impl std::error::Error for Complaint {}

impl de::Error for Complaint {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(What::Value(message.to_string()))
    }
    fn invalid_type(found: de::Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        // The value itself stays out of the message: it may be a secret.
        let found = match found {
            de::Unexpected::Bool(_) => "true or false",
            de::Unexpected::Unsigned(_) | de::Unexpected::Signed(_) => "a whole number",
            de::Unexpected::Float(_) => "a number",
            de::Unexpected::Str(_) | de::Unexpected::Char(_) => "a text",
            de::Unexpected::Unit | de::Unexpected::Option => "null",
            de::Unexpected::Seq => "a list",
            de::Unexpected::Map => "an object",
            _ => "something else",
        };
        let wanted = plain(&wanted.to_string());
        Self::new(What::Type(format!("should be {wanted} and is {found}")))
    }
    fn invalid_value(_: de::Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        let wanted = plain(&wanted.to_string());
        Self::new(What::Value(format!("must be {wanted}")))
    }
    fn invalid_length(found: usize, wanted: &dyn de::Expected) -> Self {
        let wanted = plain(&wanted.to_string());
        let found = format!("should be {wanted} and has {found} parts");
        Self::new(What::Type(found))
    }
    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::new(What::UnknownWord(word.to_owned(), known))
    }
    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Self::new(What::UnknownField(field.to_owned(), known))
    }
    fn missing_field(field: &'static str) -> Self {
        Self::new(What::Missing(field))
    }
    fn duplicate_field(_: &'static str) -> Self {
        Self::new(What::Duplicate)
    }
}

impl From<Complaint> for Error {
    fn from(c: Complaint) -> Self {
        let mut path = c.path;
        if let What::UnknownField(name, _) = &c.what {
            // serde meets the name while it reads the key, so the path ends one level above.
            if path.last() != Some(name) {
                path.push(name.clone());
            }
        }
        if let What::Missing(name) = &c.what {
            path.push((*name).to_owned());
        }
        let field = path.join(".").replace(".[", "[");
        let (row, detail) = match c.what {
            What::UnknownField(name, known) => {
                let hint = match nearest(&name, known.iter().copied()) {
                    Some(near) => format!("; did you mean {near}?"),
                    None if known.is_empty() => "; there are no fields here".to_owned(),
                    None => format!("; known are: {}", known.join(", ")),
                };
                (code::INPUT_UNKNOWN_FIELD, format!("is no field{hint}"))
            }
            What::UnknownWord(word, known) => {
                let all = known.join(", ");
                let detail = match nearest(&word, known.iter().copied()) {
                    Some(near) => {
                        format!("is {word:?}; did you mean {near}? It must be one of: {all}")
                    }
                    None => format!("is {word:?}; it must be one of: {all}"),
                };
                (code::INPUT_ENUM, detail)
            }
            What::Missing(_) => (code::INPUT_MISSING, "is missing".to_owned()),
            What::Duplicate => (code::INPUT_VALUE, "is given twice".to_owned()),
            What::Type(detail) => (code::INPUT_TYPE, detail),
            What::Range(detail) => (code::INPUT_RANGE, detail.to_owned()),
            What::Nul => (code::INPUT_CONTROL, "holds the character U+0000".to_owned()),
            What::LeapSecond => (
                code::INPUT_DATE,
                "is a leap second, which is not kept: write :59 or the next minute".to_owned(),
            ),
            // chrono and uuid speak of what they read in their own words; ours are plainer.
            What::Value(m) if is_date(&m) => (
                code::INPUT_DATE,
                "cannot be read: a time is written with its offset, such as 2024-01-15T09:00:00Z"
                    .to_owned(),
            ),
            What::Day(day) => (
                code::INPUT_DATE,
                format!("is a date: write the time with its offset, such as {day}T09:00:00Z"),
            ),
            What::Value(m) if m.to_lowercase().contains("uuid") => {
                (code::INPUT_VALUE, "is no UUID".to_owned())
            }
            What::Value(m) => (code::INPUT_VALUE, m),
        };
        Error::new(row, format!("{field} {detail}")).field(field, row.reason(), detail)
    }
}

/// What serde wants, in words that are none of a programming language.
fn plain(wanted: &str) -> String {
    let range = |least: &str, most: &str| format!("a whole number from {least} to {most}");
    match wanted {
        "u8" => range("0", "255"),
        "u16" => range("0", "65535"),
        "u32" => range("0", "4294967295"),
        "u64" | "u128" | "usize" => "a whole number that is not negative".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" | "a borrowed string" | "a character" | "string" => "a text".to_owned(),
        "unit" => "null".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "an object".to_owned(),
        other if other.starts_with("struct ") => "an object".to_owned(),
        other if other.starts_with("enum ") => "one of the known words".to_owned(),
        other if other.contains("tuple") || other.starts_with("an array") => "a list".to_owned(),
        other => other.to_owned(),
    }
}

fn is_date(message: &str) -> bool {
    [
        "input contains invalid characters",
        "premature end of input",
        "input is out of range",
        "trailing input",
    ]
    .iter()
    .any(|m| message.contains(m))
}
