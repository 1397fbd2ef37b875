//! Money: exact decimals, one currency per organization.

use crate::record::{Cell, Field, Kind};
use crate::{Error, Result, code};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// Decimal places that are kept.
pub const SCALE: u32 = 4;

/// An amount of money. Answered as a string (`"180.00"`), accepted as string or number, at most four
/// decimal places, less than 900 million million.
///
/// ```
/// use cmms_core::money::Money;
/// let cost: Money = "180.5".parse()?;
/// assert_eq!(cost.to_string(), "180.50");
/// # Ok::<(), cmms_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

impl Money {
    /// Takes an exact decimal.
    ///
    /// # Errors
    /// `CMMS-INPUT-010` for more than four decimal places or an amount that is too large.
    pub fn new(amount: Decimal) -> Result<Self> {
        let amount = amount.normalize();
        if amount.scale() > SCALE {
            return Err(refused("has more than four decimal places"));
        }
        let mut scaled = amount;
        scaled.rescale(SCALE);
        scaled
            .mantissa()
            .to_i64()
            .filter(|m| m.unsigned_abs() < 9_000_000_000_000_000_000)
            .map(Self)
            .ok_or_else(|| refused("is too large"))
    }

    /// The amount.
    pub fn amount(self) -> Decimal {
        Decimal::new(self.0, SCALE)
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }
}

fn refused(why: &str) -> Error {
    Error::new(code::INPUT_RANGE, format!("the amount {why}"))
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut amount = self.amount().normalize();
        if amount.scale() < 2 {
            amount.rescale(2);
        }
        fmt::Display::fmt(&amount, f)
    }
}

impl FromStr for Money {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        let text = s.trim();
        Decimal::from_str(text)
            .or_else(|_| Decimal::from_scientific(text))
            .map_err(|_| Error::new(code::INPUT_VALUE, format!("{s:?} is no amount of money")))
            .and_then(Self::new)
    }
}

impl serde::Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Money {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl serde::de::Visitor<'_> for V {
            type Value = Money;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount of money, such as \"180.00\"")
            }
            fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<Money, E> {
                v.parse().map_err(|e: Error| E::custom(e.message()))
            }
            fn visit_i64<E: serde::de::Error>(self, v: i64) -> Result<Money, E> {
                Money::new(Decimal::from(v)).map_err(|e| E::custom(e.message()))
            }
            fn visit_u64<E: serde::de::Error>(self, v: u64) -> Result<Money, E> {
                Money::new(Decimal::from(v)).map_err(|e| E::custom(e.message()))
            }
            fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<Money, E> {
                // The shortest text of the number is what its writer meant: 0.1 is one tenth.
                v.to_string()
                    .parse()
                    .map_err(|e: Error| E::custom(e.message()))
            }
        }
        d.deserialize_any(V)
    }
}

impl schemars::JsonSchema for Money {
    fn schema_name() -> Cow<'static, str> {
        "Money".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "An exact amount in the organization's currency. Answered as a string.",
            "type": ["string", "number"],
            "examples": ["180.00"]
        })
    }
}

impl Field for Money {
    const KIND: Kind = Kind::Int;
    fn cell(&self) -> Cell<'_> {
        Cell::Int(self.0)
    }
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        i64::from_cell(cell).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_number_keeps_its_decimal_meaning() {
        let m: Money = serde_json::from_str("0.1").unwrap();
        assert_eq!(m, "0.10".parse().unwrap());
        assert_eq!(serde_json::to_string(&m).unwrap(), "\"0.10\"");
    }

    #[test]
    fn too_many_places_or_digits_are_refused() {
        assert!("0.00001".parse::<Money>().is_err());
        assert!("99999999999999999999".parse::<Money>().is_err());
        assert!("abc".parse::<Money>().is_err());
    }
}
