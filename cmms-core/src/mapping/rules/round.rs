//! `round`: a number with fewer decimal places.

use super::args::Args;
use crate::error::Violation;
use crate::mapping::shape::Misfit;
use crate::mapping::transform::scalar;
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Number, Value};
use std::str::FromStr;

/// The most places that a number may be rounded to.
const MOST: usize = 15;

/// A rounding: what lies exactly between two goes away from zero, as on paper.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Round {
    places: u32,
}

impl Round {
    pub(super) fn parse(rule: &Value, wrong: &mut Vec<Violation>) -> Option<Self> {
        let mut args = Args::of(super::AT, rule, &["type", "places"], wrong)?;
        args.need("places")?;
        let places = args.whole("places")?;
        if places > MOST {
            args.refuse(
                "places",
                "out_of_range",
                format!("must be from 0 to {MOST}"),
            );
            return None;
        }
        u32::try_from(places).ok().map(|places| Self { places })
    }

    /// A text stays a text, a number a number.
    pub(super) fn apply(&self, value: &Value) -> Result<Value, Misfit> {
        let wrong = || ("bad_number", "is no number that can be rounded".to_owned());
        let text = scalar(value)
            .filter(|_| !value.is_boolean())
            .ok_or_else(wrong)?;
        let text = text.trim();
        let exact = Decimal::from_str(text).or_else(|_| Decimal::from_scientific(text));
        let rounded = exact
            .map_err(|_| wrong())?
            .round_dp_with_strategy(self.places, RoundingStrategy::MidpointAwayFromZero)
            .normalize();
        if value.is_string() {
            return Ok(Value::String(rounded.to_string()));
        }
        if let Some(whole) = rounded.to_i64().filter(|_| rounded.is_integer()) {
            return Ok(Value::from(whole));
        }
        let number = rounded.to_string().parse().ok().and_then(Number::from_f64);
        number.map(Value::Number).ok_or_else(wrong)
    }
}
