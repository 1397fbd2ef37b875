//! `conditional`: a value that depends on fields of the record.

use super::args::{Args, refuse};
use super::{Changed, misfit};
use crate::error::Violation;
use crate::mapping::path::Path;
use crate::mapping::shape::{Misfit, Shape};
use crate::mapping::transform::{is_unset, number, scalar};
use serde_json::Value;
use std::cmp::Ordering;

/// The most cases of a rule.
const CASES: usize = 100;

/// Cases, of which the first that holds counts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Conditional {
    cases: Vec<Case>,
    /// Where no case holds; None: the vendor's value as it is.
    otherwise: Option<Outcome>,
}

#[derive(Debug, Clone, PartialEq)]
struct Case {
    /// None: the mapping's own source.
    field: Option<Path>,
    op: Op,
    value: Value,
    then: Outcome,
}

#[derive(Debug, Clone, PartialEq)]
enum Outcome {
    Constant(Value),
    /// The value of another field.
    Field(Path),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Contains,
    StartsWith,
    EndsWith,
    In,
    Exists,
    Missing,
}

const OPS: &[(&str, Op)] = &[
    ("eq", Op::Eq),
    ("ne", Op::Ne),
    ("lt", Op::Lt),
    ("le", Op::Le),
    ("gt", Op::Gt),
    ("ge", Op::Ge),
    ("contains", Op::Contains),
    ("starts_with", Op::StartsWith),
    ("ends_with", Op::EndsWith),
    ("in", Op::In),
    ("exists", Op::Exists),
    ("missing", Op::Missing),
];

impl Conditional {
    pub(super) fn parse(rule: &Value, shape: &Shape, wrong: &mut Vec<Violation>) -> Option<Self> {
        // One case may stand in the rule itself.
        let single = rule.get("if").is_some() || rule.get("then").is_some();
        let known: &[&str] = if single {
            &["type", "if", "then", "else"]
        } else {
            &["type", "cases", "else"]
        };
        let mut args = Args::of(super::AT, rule, known, wrong)?;
        let otherwise = args.get("else");
        let at = args.path("else");
        let otherwise = otherwise.map(|value| Outcome::parse(&at, value, shape, args.wrong()));
        let mut cases = Vec::new();
        if single {
            let (test, then) = (args.need("if"), args.need("then"));
            cases.extend(Case::parse(super::AT, test?, then?, shape, args.wrong()));
        } else {
            let list = args.need("cases")?;
            let Some(list) = list.as_array().filter(|c| (1..=CASES).contains(&c.len())) else {
                let detail = format!(
                    "should be a list of 1 to {CASES} cases such as {{\"if\": {{\"field\": \"priority\", \"op\": \"eq\", \"value\": 3}}, \"then\": \"high\"}}"
                );
                args.refuse("cases", "wrong_type", detail);
                return None;
            };
            let at = args.path("cases");
            for (i, case) in list.iter().enumerate() {
                let at = format!("{at}[{i}]");
                let Some(mut parts) = Args::of(&at, case, &["if", "then"], args.wrong()) else {
                    continue;
                };
                if let (Some(test), Some(then)) = (parts.need("if"), parts.need("then")) {
                    cases.extend(Case::parse(&at, test, then, shape, parts.wrong()));
                }
            }
        }
        Some(Self {
            cases,
            otherwise: otherwise.flatten(),
        })
    }

    pub(super) fn apply<'v>(
        &'v self,
        record: &'v Value,
        value: Option<&'v Value>,
    ) -> Result<Option<Changed<'v>>, Misfit> {
        for case in &self.cases {
            if case.holds(record, value) {
                return Ok(case.then.give(record));
            }
        }
        Ok(match &self.otherwise {
            Some(outcome) => outcome.give(record),
            None => value.map(Changed::kept),
        })
    }
}

impl Outcome {
    fn parse(at: &str, value: &Value, shape: &Shape, wrong: &mut Vec<Violation>) -> Option<Self> {
        if value.is_object() {
            let mut args = Args::of(at, value, &["field"], wrong)?;
            let field = args.need_text("field")?;
            return match Path::parse(field) {
                Ok(path) => Some(Self::Field(path)),
                Err(why) => {
                    args.refuse("field", "invalid_value", why);
                    None
                }
            };
        }
        if let Some((reason, detail)) = misfit(value, shape) {
            refuse(wrong, at, reason, detail);
            return None;
        }
        Some(Self::Constant(value.clone()))
    }

    fn give<'v>(&'v self, record: &'v Value) -> Option<Changed<'v>> {
        match self {
            Self::Constant(value) => Some(Changed::supplied(value)),
            Self::Field(path) => path
                .find(record)
                .filter(|v| !is_unset(v))
                .map(Changed::kept),
        }
    }
}

impl Case {
    fn parse(
        at: &str,
        test: &Value,
        then: &Value,
        shape: &Shape,
        wrong: &mut Vec<Violation>,
    ) -> Option<Self> {
        let then = Outcome::parse(&format!("{at}.then"), then, shape, wrong);
        let mut args = Args::of(&format!("{at}.if"), test, &["field", "op", "value"], wrong)?;
        let field = match args.text("field").map(Path::parse) {
            None => None,
            Some(Ok(path)) => Some(path),
            Some(Err(why)) => {
                args.refuse("field", "invalid_value", why);
                None
            }
        };
        let op = match args.get("op") {
            None => Some(Op::Eq),
            Some(_) => args.word("op", OPS),
        }?;
        let value = args.get("value");
        match op {
            Op::Exists | Op::Missing if value.is_some() => {
                args.refuse("value", "unknown_field", "is no part of this test");
            }
            Op::Exists | Op::Missing => {}
            Op::In if !value.is_some_and(Value::is_array) => {
                args.refuse("value", "wrong_type", "should be a list of values");
            }
            Op::In => {}
            _ if value.is_none() => args.refuse("value", "missing_field", "is missing"),
            _ if value.and_then(scalar).is_none() => {
                let detail = "should be a text, a number, or true or false";
                args.refuse("value", "wrong_type", detail);
            }
            _ => {}
        }
        Some(Self {
            field,
            op,
            value: value.cloned().unwrap_or_default(),
            then: then?,
        })
    }

    fn holds(&self, record: &Value, source: Option<&Value>) -> bool {
        let present = match &self.field {
            Some(path) => path.find(record).filter(|v| !is_unset(v)),
            None => source,
        };
        let Some(present) = present else {
            return matches!(self.op, Op::Missing | Op::Ne);
        };
        let with = |test: fn(&str, &str) -> bool| {
            let (a, b) = (scalar(present), scalar(&self.value));
            a.zip(b).is_some_and(|(a, b)| test(&a, &b))
        };
        match self.op {
            Op::Exists => true,
            Op::Missing => false,
            Op::Eq => compare(present, &self.value) == Some(Ordering::Equal),
            Op::Ne => compare(present, &self.value) != Some(Ordering::Equal),
            Op::Lt => compare(present, &self.value) == Some(Ordering::Less),
            Op::Gt => compare(present, &self.value) == Some(Ordering::Greater),
            Op::Le => compare(present, &self.value).is_some_and(Ordering::is_le),
            Op::Ge => compare(present, &self.value).is_some_and(Ordering::is_ge),
            Op::StartsWith => with(|a, b| a.starts_with(b)),
            Op::EndsWith => with(|a, b| a.ends_with(b)),
            Op::Contains => match present {
                Value::Array(items) => items
                    .iter()
                    .any(|item| compare(item, &self.value) == Some(Ordering::Equal)),
                _ => with(|a, b| a.contains(b)),
            },
            Op::In => self.value.as_array().is_some_and(|values| {
                values
                    .iter()
                    .any(|value| compare(present, value) == Some(Ordering::Equal))
            }),
        }
    }
}

/// Numbers by value, also where one is a text; everything else by its letters.
fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    if let (Some(a), Some(b)) = (number(a), number(b)) {
        return a.partial_cmp(&b);
    }
    Some(scalar(a)?.as_ref().cmp(scalar(b)?.as_ref()))
}
