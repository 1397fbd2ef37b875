//! What a caller sent, before its fields have types.

use super::strict;
use crate::domain::large_whole;
use crate::{Error, Result, code, encoding};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::fmt;

/// What a caller sent.
#[derive(Clone, Default)]
pub struct Input {
    /// The JSON object of the body.
    pub body: Map<String, Value>,
    /// Fields of path and query, as texts; a name that comes several times is a list.
    pub texts: Vec<(String, Vec<String>)>,
}

/// Names only: a value may be a secret, wherever its sender put it.
impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self
            .body
            .keys()
            .chain(self.texts.iter().map(|(name, _)| name));
        f.debug_set().entries(names).finish()
    }
}

impl Input {
    /// An input of one JSON object.
    ///
    /// # Errors
    /// `CMMS-INPUT-001` for any other JSON value.
    pub fn of(value: Value) -> Result<Self> {
        match value {
            Value::Object(body) => Ok(Self {
                body,
                texts: Vec::new(),
            }),
            _ => Err(Error::new(
                code::INPUT_UNREADABLE,
                "the input is no JSON object",
            )),
        }
    }

    /// An input of a JSON text.
    ///
    /// # Errors
    /// `CMMS-INPUT-001` for a text that is no JSON object, that names a field twice, or that is too deep or too large.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let json = encoding::without_mark(json);
        if encoding::is_utf16(json) {
            return Err(
                Error::new(code::INPUT_UNREADABLE, "the input is UTF-16, not UTF-8")
                    .remedy_is("Save or send the JSON as UTF-8."),
            );
        }
        if json.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        let value = strict::read(json).map_err(|e| {
            let message = if e.is_data() {
                format!("the input cannot be taken: {e}")
            } else {
                format!(
                    "the input is no JSON: it breaks at line {}, column {}",
                    e.line(),
                    e.column()
                )
            };
            Error::new(code::INPUT_UNREADABLE, message)
        })?;
        no_large_numbers(json)?;
        Self::of(value)
    }

    /// All that was sent, in one order: equal inputs have equal texts.
    pub(super) fn digested(&self) -> String {
        let mut texts = self.texts.clone();
        texts.sort();
        serde_json::json!([self.body, texts]).to_string()
    }

    /// Adds a field of path or query.
    pub fn text(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        match self.texts.iter_mut().find(|(n, _)| *n == name) {
            Some((_, values)) => values.push(value),
            None => self.texts.push((name, vec![value])),
        }
    }
}

/// Refuses whole numbers of more than 64 bits, which would be rounded.
fn no_large_numbers(json: &[u8]) -> Result<()> {
    let text = std::str::from_utf8(json).unwrap_or_default();
    if !large_whole::may_be_in(text) {
        return Ok(());
    }
    let mut first = None;
    if let Ok(raw) = serde_json::from_str::<&RawValue>(text) {
        large_whole::find(raw, &mut |path, digits| {
            first.get_or_insert_with(|| (path.join("."), digits));
        });
    }
    let Some((field, digits)) = first else {
        return Ok(());
    };
    let shown: String = digits.chars().take(40).collect();
    let detail = format!(
        "is {shown}, a whole number of more than 64 bits, which would be rounded: send it as text"
    );
    Err(
        Error::new(code::INPUT_RANGE, format!("{field} {detail}")).field(
            field,
            code::INPUT_RANGE.reason(),
            detail,
        ),
    )
}
