//! `type_conversion`: a value in another type.

use super::args::Args;
use crate::domain::large_whole::is_large;
use crate::error::Violation;
use crate::mapping::shape::Misfit;
use crate::mapping::transform::{LARGE_NUMBER, amount, large_number, number, scalar};
use crate::mapping::words::normal;
use serde_json::{Number, Value};
use std::borrow::Cow;

/// A type of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    String,
    Integer,
    Number,
    Boolean,
    Money,
    List,
}

const TYPES: &[(&str, Type)] = &[
    ("string", Type::String),
    ("integer", Type::Integer),
    ("number", Type::Number),
    ("boolean", Type::Boolean),
    ("money", Type::Money),
    ("list", Type::List),
];

/// The largest number whose whole neighbours are all told apart.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A conversion.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Conversion {
    to: Type,
    /// What the vendor has; needed for the way back only.
    from: Option<Type>,
}

impl Conversion {
    pub(super) fn parse(rule: &Value, wrong: &mut Vec<Violation>) -> Option<Self> {
        let mut args = Args::of(super::AT, rule, &["type", "to", "from"], wrong)?;
        args.need_text("to")?;
        let to = args.word("to", TYPES);
        let from = args.word("from", TYPES);
        Some(Self { to: to?, from })
    }

    pub(super) fn apply(&self, value: &Value) -> Result<Value, Misfit> {
        match self.to {
            Type::String => scalar(value)
                .map(|text| Value::String(text.into_owned()))
                .ok_or_else(|| cannot("wrong_type", "a text")),
            Type::Integer => whole(value).ok_or_else(|| cannot("bad_number", "a whole number")),
            Type::Number => match value {
                Value::Number(_) => Ok(value.clone()),
                Value::Bool(b) => Ok(Value::from(u8::from(*b))),
                Value::String(digits) if is_large(digits.trim()) => {
                    Err((LARGE_NUMBER, large_number("is")))
                }
                text => decimal(text).ok_or_else(|| cannot("bad_number", "a number")),
            },
            Type::Boolean => truth(value)
                .map(Value::Bool)
                .ok_or_else(|| cannot("bad_boolean", "true or false")),
            Type::Money => {
                let (money, is_rounded) = amount(value)?;
                // What has more places is rounded where it is kept, with the vendor's value beside.
                let kept = scalar(value).filter(|_| is_rounded);
                Ok(kept
                    .map_or_else(|| money.to_string(), Cow::into_owned)
                    .into())
            }
            Type::List => Ok(match value {
                Value::Array(_) => value.clone(),
                one => Value::Array(vec![one.clone()]),
            }),
        }
    }

    pub(super) fn inverse(&self) -> Result<Self, String> {
        match self.from {
            Some(Type::List) => Err("a list has no single value to go back to".to_owned()),
            _ if self.to == Type::List => {
                Err("a list has no single value to go back to".to_owned())
            }
            Some(from) => Ok(Self {
                to: from,
                from: Some(self.to),
            }),
            None => Err("it does not say the vendor's type: add \"from\"".to_owned()),
        }
    }
}

fn cannot(reason: &'static str, what: &str) -> Misfit {
    (reason, format!("cannot become {what}"))
}

fn whole(value: &Value) -> Option<Value> {
    match value {
        Value::Number(n) if n.is_i64() || n.is_u64() => Some(value.clone()),
        Value::Bool(b) => Some(Value::from(u8::from(*b))),
        Value::String(s) => match s.trim().parse::<i64>() {
            Ok(n) => Some(Value::from(n)),
            Err(_) => whole_of(number(value)?),
        },
        Value::Number(_) => whole_of(number(value)?),
        _ => None,
    }
}

/// A number without a fraction as a whole one.
fn whole_of(n: f64) -> Option<Value> {
    if n.fract() != 0.0 || n.abs() > EXACT {
        return None;
    }
    format!("{n:.0}").parse::<i64>().ok().map(Value::from)
}

fn decimal(value: &Value) -> Option<Value> {
    if let Some(n) = value.as_str().and_then(|s| s.trim().parse::<i64>().ok()) {
        return Some(Value::from(n));
    }
    number(value).and_then(Number::from_f64).map(Value::Number)
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(b) => Some(*b),
        Value::Number(n) => match n.as_f64()? {
            0.0 => Some(false),
            1.0 => Some(true),
            _ => None,
        },
        Value::String(s) => match normal(s).as_str() {
            "true" | "yes" | "y" | "on" | "1" => Some(true),
            "false" | "no" | "n" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
