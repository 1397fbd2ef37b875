//! The rules of a user's mapping: each a closed transform, with its inverse where one exists.

mod args;
mod conditional;
mod convert;
mod dates;
mod lookup;
mod round;
mod strings;
#[cfg(test)]
mod tests;

use super::canonical::canonical;
use super::shape::{Misfit, Shape};
use crate::domain::check::nearest;
use crate::error::Violation;
use args::Args;
use serde_json::Value;
use std::borrow::Cow;

/// What a rule does.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule(Kind);

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    /// The value as it is: the inverse of `default`.
    Keep,
    Convert(convert::Conversion),
    Dates(dates::Dates),
    Strings(strings::Strings),
    Substring(strings::Part),
    Round(round::Round),
    Default(Value),
    Lookup(Box<lookup::Lookup>),
    Conditional(conditional::Conditional),
}

/// What a rule made of a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed<'v> {
    /// The value.
    pub value: Cow<'v, Value>,
    /// Whether the rule supplied it rather than the vendor.
    pub supplied: bool,
    /// Whether it stands for a word that the rule does not know.
    pub fallback: bool,
}

impl<'v> Changed<'v> {
    fn own(value: Value) -> Self {
        Self {
            value: Cow::Owned(value),
            supplied: false,
            fallback: false,
        }
    }

    fn kept(value: &'v Value) -> Self {
        Self {
            value: Cow::Borrowed(value),
            supplied: false,
            fallback: false,
        }
    }

    fn supplied(value: &'v Value) -> Self {
        Self {
            value: Cow::Borrowed(value),
            supplied: true,
            fallback: false,
        }
    }
}

/// The types of rules.
const TYPES: &[&str] = &[
    "type_conversion",
    "date_format",
    "string_manipulation",
    "substring",
    "default",
    "lookup",
    "conditional",
    "round",
];
/// Types that are named in the contract and not built yet.
const LATER: &[&str] = &["unit", "split", "join", "expression"];
/// The largest rule, in octets of its JSON.
const LARGEST: usize = 64 << 10;
/// Where a rule stands in a mapping.
const AT: &str = "transformation_rule";

impl Rule {
    /// Reads a rule for a column of this shape; what is wrong with it goes to `wrong`, by path.
    pub fn parse(rule: &Value, shape: Shape, wrong: &mut Vec<Violation>) -> Option<Self> {
        let before = wrong.len();
        let found = parse(rule, &shape, wrong);
        found.filter(|_| wrong.len() == before)
    }

    /// Its type.
    pub fn name(&self) -> &'static str {
        match &self.0 {
            Kind::Keep | Kind::Default(_) => "default",
            Kind::Convert(_) => "type_conversion",
            Kind::Dates(_) => "date_format",
            Kind::Strings(_) => "string_manipulation",
            Kind::Substring(_) => "substring",
            Kind::Lookup(_) => "lookup",
            Kind::Conditional(_) => "conditional",
            Kind::Round(_) => "round",
        }
    }

    /// What it makes of a vendor's value; None: the vendor has none. A condition may look at the whole record.
    ///
    /// # Errors
    /// The reason and what is wrong with the value, in words that go behind "it".
    pub fn apply<'v>(
        &'v self,
        record: &'v Value,
        value: Option<&'v Value>,
    ) -> Result<Option<Changed<'v>>, (&'static str, String)> {
        match (&self.0, value) {
            (Kind::Default(_) | Kind::Keep, Some(value)) => Ok(Some(Changed::kept(value))),
            (Kind::Default(value), None) => Ok(Some(Changed::supplied(value))),
            (Kind::Conditional(c), value) => c.apply(record, value),
            (Kind::Lookup(l), value) => l.apply(value),
            (_, None) => Ok(None),
            (Kind::Convert(c), Some(value)) => c.apply(value).map(Changed::own).map(Some),
            (Kind::Dates(d), Some(value)) => d.apply(value).map(Changed::own).map(Some),
            (Kind::Strings(s), Some(value)) => s.apply(value).map(Changed::own).map(Some),
            (Kind::Round(r), Some(value)) => r.apply(value).map(Changed::own).map(Some),
            (Kind::Substring(s), Some(value)) => s.apply(value).map(Changed::own).map(Some),
        }
    }

    /// Whether it has a value for where the vendor has none.
    pub(super) fn stands_in(&self) -> bool {
        matches!(self.0, Kind::Default(_) | Kind::Lookup(_))
    }

    /// The rule that leads back: for every value that this one takes and writes in one way only,
    /// `inverse(apply(v)) == v`.
    ///
    /// # Errors
    /// Why there is none.
    pub fn inverse(&self) -> Result<Self, String> {
        match &self.0 {
            // A value that stood in for none is not told from the vendor's own.
            Kind::Keep | Kind::Default(_) => Ok(Self(Kind::Keep)),
            Kind::Convert(c) => c.inverse().map(Kind::Convert).map(Self),
            Kind::Dates(d) => d.inverse().map(Kind::Dates).map(Self),
            Kind::Strings(s) => s.inverse().map(Kind::Strings).map(Self),
            Kind::Lookup(l) => l.inverse().map(Box::new).map(Kind::Lookup).map(Self),
            Kind::Substring(_) => {
                Err("a substring does not tell which characters were left out".to_owned())
            }
            Kind::Round(_) => {
                Err("a rounded number does not tell what was rounded away".to_owned())
            }
            Kind::Conditional(_) => Err(
                "a condition looks at other fields, which the value alone does not tell".to_owned(),
            ),
        }
    }
}

fn parse(rule: &Value, shape: &Shape, wrong: &mut Vec<Violation>) -> Option<Rule> {
    let kind = kind_of(rule, wrong)?;
    if canonical(rule).len() > LARGEST {
        let detail = format!("is larger than {LARGEST} octets");
        args::refuse(wrong, AT, "invalid_value", detail);
        return None;
    }
    let kind = match kind {
        "type_conversion" => Kind::Convert(convert::Conversion::parse(rule, wrong)?),
        "date_format" => Kind::Dates(dates::Dates::parse(rule, shape, wrong)?),
        "string_manipulation" => Kind::Strings(strings::Strings::parse(rule, wrong)?),
        "substring" => Kind::Substring(strings::Part::parse(rule, wrong)?),
        "round" => Kind::Round(round::Round::parse(rule, wrong)?),
        "lookup" => Kind::Lookup(Box::new(lookup::Lookup::parse(rule, shape, wrong)?)),
        "conditional" => Kind::Conditional(conditional::Conditional::parse(rule, shape, wrong)?),
        _ => {
            let mut args = Args::of(AT, rule, &["type", "value"], wrong)?;
            let value = args.need("value")?;
            constant(&mut args, "value", value, shape);
            Kind::Default(value.clone())
        }
    };
    Some(Rule(kind))
}

/// The type of a rule, which is one of [`TYPES`].
fn kind_of(rule: &Value, wrong: &mut Vec<Violation>) -> Option<&'static str> {
    let at = format!("{AT}.type");
    if !rule.is_object() {
        let detail = format!(
            "should be an object such as {{\"type\": \"default\", \"value\": \"medium\"}}; types are: {}",
            TYPES.join(", ")
        );
        args::refuse(wrong, AT, "wrong_type", detail);
        return None;
    }
    let Some(given) = rule.get("type").and_then(Value::as_str) else {
        let detail = format!("is missing; it must be one of: {}", TYPES.join(", "));
        args::refuse(wrong, &at, "missing_field", detail);
        return None;
    };
    if let Some(kind) = TYPES.iter().find(|t| **t == given) {
        return Some(kind);
    }
    let all = TYPES.join(", ");
    if LATER.contains(&given) {
        let detail = format!("{given} is not supported yet; supported are: {all}");
        args::refuse(wrong, &at, "rule_not_supported", detail);
        return None;
    }
    let hint = nearest(given, TYPES.iter().copied())
        .map(|near| format!("; did you mean {near}?"))
        .unwrap_or_default();
    let shown: String = given.chars().take(80).collect();
    let detail = format!("is {shown:?}; it must be one of: {all}{hint}");
    args::refuse(wrong, &at, "unknown_value", detail);
    None
}

/// Checks a value that a rule names itself: it must fit its column.
fn constant(args: &mut Args<'_>, name: &str, value: &Value, shape: &Shape) {
    if let Some((reason, detail)) = misfit(value, shape) {
        args.refuse(name, reason, detail);
    }
}

fn misfit(value: &Value, shape: &Shape) -> Option<Misfit> {
    if super::transform::is_unset(value) {
        return Some(("invalid_value", "may not be empty".to_owned()));
    }
    if let Some(why) = super::apply::unfit(value) {
        return Some((why.reason, why.detail));
    }
    shape.refuses(value).map(|(reason, detail)| {
        let shown = super::transform::shown(value);
        (reason, format!("is {shown} and {detail}"))
    })
}
