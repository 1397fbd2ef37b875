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
/// decimal places, less than 900 million million; as a number with a fraction less than 100,000 million, since larger
/// ones may have lost digits on their way. Never rounded, except by [`Money::rounded`].
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
            return Err(too_many_places());
        }
        let mut scaled = amount;
        scaled.rescale(SCALE);
        scaled
            .mantissa()
            .to_i64()
            .filter(|m| m.unsigned_abs() < MOST)
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

fn too_many_places() -> Error {
    refused("has more than four decimal places")
}

/// The largest amount, in ten-thousandths.
const MOST: u64 = 9_000_000_000_000_000_000;
/// An amount with a fraction has at most 15 digits as a JSON number, four of which are kept behind the point: such
/// numbers come through every reader unharmed.
const MOST_AS_NUMBER: f64 = 1e11;

/// A decimal as it was written, without a rounding on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Written<'a> {
    is_negative: bool,
    /// The digits before and behind the point.
    whole: &'a str,
    fraction: &'a str,
    /// Zeros to be added, or places that the point moves to the left.
    exponent: i64,
}

impl<'a> Written<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let fits = !(whole.is_empty() && fraction.is_empty())
            && whole
                .bytes()
                .chain(fraction.bytes())
                .all(|b| b.is_ascii_digit());
        fits.then_some(Self {
            is_negative,
            whole,
            fraction,
            exponent: exponent.into(),
        })
    }

    /// The digits that count, from the first to the last that is not zero, with how many of them stand behind the
    /// point: fewer than none where zeros follow.
    fn digits(&self) -> (String, i64) {
        let all = format!("{}{}", self.whole, self.fraction);
        let behind = i64::try_from(self.fraction.len()).unwrap_or(i64::MAX) - self.exponent;
        let kept = all.trim_end_matches('0');
        let dropped = i64::try_from(all.len() - kept.len()).unwrap_or(i64::MAX);
        (kept.trim_start_matches('0').to_owned(), behind - dropped)
    }

    /// In ten-thousandths, with what is left behind them: how it compares with one half of the last place.
    fn scaled(&self) -> Option<(u64, Rest)> {
        let (digits, behind) = self.digits();
        if digits.is_empty() {
            return Some((0, Rest::None));
        }
        let zeros = i64::from(SCALE) - behind;
        if let Ok(zeros) = usize::try_from(zeros) {
            if digits.len().checked_add(zeros)? > 19 {
                return None;
            }
            let text = format!("{digits}{}", "0".repeat(zeros));
            return text.parse().ok().map(|n| (n, Rest::None));
        }
        let cut = usize::try_from(-zeros).unwrap_or(usize::MAX);
        let (kept, rest) = match digits.len().checked_sub(cut) {
            Some(at) => digits.split_at_checked(at)?,
            // There are zeros before the first digit of the rest.
            None => ("", "0"),
        };
        let kept = if kept.is_empty() {
            0
        } else {
            kept.parse().ok()?
        };
        Some((kept, Rest::of(rest)))
    }
}

/// What stands behind the places that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    None,
    BelowHalf,
    Half,
    AboveHalf,
}

impl Rest {
    fn of(digits: &str) -> Self {
        match digits.as_bytes() {
            [] => Self::None,
            [b'5'] => Self::Half,
            [b'0'..=b'4', ..] => Self::BelowHalf,
            _ => Self::AboveHalf,
        }
    }
}

fn amount(units: u64, is_negative: bool) -> Result<Money> {
    let units = i64::try_from(units)
        .ok()
        .filter(|n| n.unsigned_abs() < MOST);
    let units = units.ok_or_else(|| refused("is too large"))?;
    Ok(Money(if is_negative { -units } else { units }))
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
        let written = written(s)?;
        match written.scaled() {
            Some((units, Rest::None)) => amount(units, written.is_negative),
            Some(_) => Err(too_many_places()),
            None => Err(refused("is too large")),
        }
    }
}

fn written(text: &str) -> Result<Written<'_>> {
    Written::read(text.trim()).ok_or_else(|| {
        let shown: String = text.chars().take(80).collect();
        Error::new(
            code::INPUT_VALUE,
            format!("{shown:?} is no amount of money"),
        )
    })
}

impl Money {
    /// Reads an amount of another system, which may have computed it: what stands behind the fourth place is rounded
    /// away, unless it is exactly one half. Also says whether something was.
    ///
    /// # Errors
    /// `CMMS-INPUT-003` for no amount; `CMMS-INPUT-010` for one that is too large or lies exactly between two.
    pub fn rounded(text: &str) -> Result<(Self, bool)> {
        let written = written(text)?;
        let (units, rest) = written.scaled().ok_or_else(|| refused("is too large"))?;
        let units = match rest {
            Rest::None | Rest::BelowHalf => units,
            Rest::AboveHalf => units + 1,
            Rest::Half => return Err(too_many_places()),
        };
        Ok((amount(units, written.is_negative)?, rest != Rest::None))
    }

    /// Takes a JSON number with a fraction.
    ///
    /// # Errors
    /// `CMMS-INPUT-010` for more than four decimal places, and for an amount whose places such a number cannot tell.
    pub fn of_number(number: f64) -> Result<Self> {
        require_exact(number)?;
        // The shortest text of the number is what its writer meant: 0.1 is one tenth.
        number.to_string().parse()
    }
}

/// Refuses a number with a fraction that is too large for its places to be known.
pub(crate) fn require_exact(number: f64) -> Result<()> {
    if number.abs() < MOST_AS_NUMBER {
        return Ok(());
    }
    Err(refused(
        "is too large for a JSON number with a fraction, which may have lost digits: send it as text, such as \"180.00\"",
    ))
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
                Money::of_number(v).map_err(|e| E::custom(e.message()))
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
    fn money_is_exact_or_refused() {
        for (text, kept) in [
            ("0", "0.00"),
            ("-0", "0.00"),
            ("+7.", "7.00"),
            (".5", "0.50"),
            ("1e3", "1000.00"),
            ("12.50e-2", "0.125"),
            ("0.00010000000000000000000000000000000000", "0.0001"),
            ("899999999999999.9999", "899999999999999.9999"),
            ("-899999999999999.9999", "-899999999999999.9999"),
            ("0e99999", "0.00"),
        ] {
            assert_eq!(text.parse::<Money>().unwrap().to_string(), kept, "{text}");
        }
        for text in [
            "0.00001",
            "0.00000000000000000000000000000000000000000000001",
            "1e-40",
            "1.00000000000000000000000000000000000001",
            "900000000000000",
            "99999999999999999999",
            "1e400",
            "1e99999999999",
            "abc",
            "",
            ".",
            "-",
            "1_000",
            "1,5",
            "0x10",
            "NaN",
            "1.2.3",
        ] {
            assert!(text.parse::<Money>().is_err(), "{text}");
        }
        for json in [
            "12345678901234.5678",
            "900000000000000.0001",
            "1e15",
            "0.30000000000000004",
        ] {
            assert!(serde_json::from_str::<Money>(json).is_err(), "{json}");
        }
        for (json, kept) in [
            ("99999999999.9999", "99999999999.9999"),
            ("899999999999999", "899999999999999.00"),
        ] {
            assert_eq!(
                serde_json::from_str::<Money>(json).unwrap().to_string(),
                kept
            );
        }
        let why = serde_json::from_str::<Money>("12345678901234.5678").unwrap_err();
        assert!(why.to_string().contains("send it as text"), "{why}");
    }

    #[test]
    fn amounts_of_other_systems_are_rounded_to_the_nearer_side() {
        for (text, kept, changed) in [
            ("0.30000000000000004", "0.30", true),
            ("0.2999999999999999889", "0.30", true),
            ("-1.00004999", "-1.00", true),
            ("12.34567", "12.3457", true),
            ("5e-17", "0.00", true),
            ("12.50", "12.50", false),
        ] {
            let (money, was) = Money::rounded(text).unwrap();
            assert_eq!((money.to_string().as_str(), was), (kept, changed), "{text}");
        }
        assert!(Money::rounded("12.34565").is_err());
    }
}
