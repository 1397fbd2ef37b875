//! `lookup`: words from a table.

use super::args::Args;
use super::{Changed, constant, misfit};
use crate::error::Violation;
use crate::mapping::shape::{Misfit, Shape};
use crate::mapping::transform::scalar;
use crate::mapping::words::{Dictionary, normal};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A table of words.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lookup {
    /// The pairs in their order, for the way back.
    pairs: Vec<(String, Value)>,
    table: Dictionary<Value>,
    /// Whether words count in exactly their spelling.
    exact: bool,
    /// For a word that is not in the table, and for none.
    default: Option<Value>,
}

impl Lookup {
    pub(super) fn parse(rule: &Value, shape: &Shape, wrong: &mut Vec<Violation>) -> Option<Self> {
        let known = ["type", "table", "default", "case"];
        let mut args = Args::of(super::AT, rule, &known, wrong)?;
        let exact = args.word("case", &[("insensitive", false), ("exact", true)]);
        let default = args.get("default");
        if let Some(value) = default {
            constant(&mut args, "default", value, shape);
        }
        let table = args.need("table")?;
        let Some(table) = table.as_object().filter(|t| !t.is_empty()) else {
            let detail =
                "should be an object of the vendor's words with ours, such as {\"3\": \"high\"}";
            args.refuse("table", "wrong_type", detail);
            return None;
        };
        let exact = exact.unwrap_or(false);
        let mut pairs = Vec::with_capacity(table.len());
        let mut seen: BTreeMap<String, &String> = BTreeMap::new();
        for (word, value) in table {
            let field = format!("table.{word}");
            if let Some((reason, detail)) = misfit(value, shape) {
                args.refuse(&field, reason, detail);
            }
            if !exact && let Some(other) = seen.insert(normal(word), word) {
                let detail = format!(
                    "is the same word as {other:?}, since case, spaces and dashes do not count; write \"case\": \"exact\""
                );
                args.refuse(&field, "invalid_value", detail);
            }
            pairs.push((word.clone(), value.clone()));
        }
        Some(Self::new(pairs, exact, default.cloned()))
    }

    fn new(pairs: Vec<(String, Value)>, exact: bool, default: Option<Value>) -> Self {
        let mut table = Dictionary::default();
        for (word, value) in &pairs {
            table.add(word, value.clone(), exact);
        }
        Self {
            pairs,
            table,
            exact,
            default,
        }
    }

    pub(super) fn apply<'v>(
        &'v self,
        value: Option<&'v Value>,
    ) -> Result<Option<Changed<'v>>, Misfit> {
        let Some(value) = value else {
            return Ok(self.default.as_ref().map(Changed::supplied));
        };
        let word = scalar(value).ok_or_else(|| {
            (
                "wrong_type",
                "is no word to look up in the table".to_owned(),
            )
        })?;
        let found = if self.exact {
            self.table.exact(&word)
        } else {
            self.table.find(&word)
        };
        if let Some(found) = found {
            return Ok(Some(Changed {
                value: Cow::Borrowed(found),
                supplied: false,
                fallback: false,
            }));
        }
        match &self.default {
            Some(default) => Ok(Some(Changed {
                fallback: true,
                ..Changed::supplied(default)
            })),
            None => Err((
                "not_in_table",
                "is not in the table, and the rule has no default".to_owned(),
            )),
        }
    }

    pub(super) fn inverse(&self) -> Result<Self, String> {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        let mut pairs = Vec::with_capacity(self.pairs.len());
        for (theirs, ours) in &self.pairs {
            let Some(word) = scalar(ours) else {
                return Err(format!("what {theirs:?} stands for is no word"));
            };
            if let Some(other) = seen.insert(word.to_string(), theirs) {
                return Err(format!("{other:?} and {theirs:?} both stand for {word:?}"));
            }
            pairs.push((word.into_owned(), Value::String(theirs.clone())));
        }
        if let Some(word) = self.default.as_ref().and_then(scalar)
            && let Some(theirs) = seen.get(word.as_ref())
        {
            return Err(format!(
                "{theirs:?} and every unknown word stand for {word:?}"
            ));
        }
        Ok(Self::new(pairs, true, None))
    }
}
