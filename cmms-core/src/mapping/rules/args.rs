//! Reads the parts of a rule and says exactly which of them is wrong.

use crate::domain::check::nearest;
use crate::error::Violation;
use serde_json::{Map, Value};

/// The parts of one rule, or of one step or case of it.
pub(super) struct Args<'a> {
    at: String,
    fields: &'a Map<String, Value>,
    wrong: &'a mut Vec<Violation>,
}

impl<'a> Args<'a> {
    /// The parts of an object that may have these fields.
    pub(super) fn of(
        at: &str,
        value: &'a Value,
        known: &[&str],
        wrong: &'a mut Vec<Violation>,
    ) -> Option<Self> {
        let Some(fields) = value.as_object() else {
            refuse(wrong, at, "wrong_type", "should be an object".to_owned());
            return None;
        };
        for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
            let hint = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("known are: {}", known.join(", ")),
            };
            let detail = format!("is no field of this rule; {hint}");
            refuse(wrong, &format!("{at}.{name}"), "unknown_field", detail);
        }
        Some(Self {
            at: at.to_owned(),
            fields,
            wrong,
        })
    }

    /// The path of a part.
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}.{name}", self.at)
    }

    /// Says what is wrong with a part.
    pub(super) fn refuse(&mut self, name: &str, reason: &str, detail: impl Into<String>) {
        let path = self.path(name);
        refuse(self.wrong, &path, reason, detail.into());
    }

    /// Where violations go.
    pub(super) fn wrong(&mut self) -> &mut Vec<Violation> {
        self.wrong
    }

    /// A part, unless it is left away or null.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|v| !v.is_null())
    }

    /// A part that must be there.
    pub(super) fn need(&mut self, name: &str) -> Option<&'a Value> {
        let found = self.fields.get(name);
        if found.is_none() {
            self.refuse(name, "missing_field", "is missing");
        }
        found
    }

    /// A text.
    pub(super) fn text(&mut self, name: &str) -> Option<&'a str> {
        let value = self.get(name)?;
        let text = value.as_str();
        if text.is_none() {
            self.refuse(name, "wrong_type", "should be a text");
        }
        text
    }

    /// A text that must be there.
    pub(super) fn need_text(&mut self, name: &str) -> Option<&'a str> {
        self.need(name)?;
        if self.get(name).is_none() {
            self.refuse(name, "wrong_type", "should be a text");
        }
        self.text(name)
    }

    /// One of some words, with what it stands for.
    pub(super) fn word<T: Copy>(&mut self, name: &str, known: &[(&str, T)]) -> Option<T> {
        let text = self.text(name)?;
        self.word_of(name, text, known)
    }

    /// What a text of this part stands for.
    pub(super) fn word_of<T: Copy>(
        &mut self,
        name: &str,
        text: &str,
        known: &[(&str, T)],
    ) -> Option<T> {
        if let Some((_, value)) = known.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let words: Vec<_> = known.iter().map(|(word, _)| *word).collect();
        let hint = nearest(text, words.iter().copied())
            .map(|near| format!("; did you mean {near}?"))
            .unwrap_or_default();
        let shown: String = text.chars().take(80).collect();
        let detail = format!(
            "is {shown:?}; it must be one of: {}{hint}",
            words.join(", ")
        );
        self.refuse(name, "unknown_value", detail);
        None
    }

    /// A whole number from 0.
    pub(super) fn whole(&mut self, name: &str) -> Option<usize> {
        let value = self.get(name)?;
        let number = value.as_u64().and_then(|n| usize::try_from(n).ok());
        if number.is_none() {
            self.refuse(name, "wrong_type", "should be a whole number from 0");
        }
        number
    }

    /// True or false.
    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        let value = self.get(name)?;
        let flag = value.as_bool();
        if flag.is_none() {
            self.refuse(name, "wrong_type", "should be true or false");
        }
        flag
    }
}

/// Adds a violation.
pub(super) fn refuse(wrong: &mut Vec<Violation>, field: &str, reason: &str, detail: String) {
    wrong.push(Violation {
        field: field.to_owned(),
        reason: reason.to_owned(),
        detail,
    });
}
