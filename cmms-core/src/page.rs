//! Pages of lists: keyset only, with opaque cursors.

use crate::ids::OrgId;
use crate::record::{Cell, Digest, Kind};
use crate::{Error, Result, code};
use serde_json::Value;
use std::borrow::Cow;

/// Items of a page unless asked otherwise.
pub const DEFAULT_LIMIT: u32 = 50;
/// The most items of a page.
pub const MAX_LIMIT: u32 = 500;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; null: this is the last.
    pub next: Option<String>,
}

impl<T> IntoIterator for Page<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

/// Checks how many items are asked for.
///
/// # Errors
/// `CMMS-INPUT-010`, naming `limit`.
pub fn limit(asked: Option<u32>) -> Result<u32> {
    let limit = asked.unwrap_or(DEFAULT_LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) {
        return Ok(limit);
    }
    let detail = format!("must be from 1 to {MAX_LIMIT}");
    Err(
        Error::new(code::INPUT_RANGE, format!("limit {detail}")).field(
            "limit",
            "out_of_range",
            detail,
        ),
    )
}

/// What a cursor belongs to: a list with its filter and order, of one organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listing(Digest);

impl Listing {
    /// The listing of these words.
    pub fn of(org: OrgId, words: &[&str]) -> Self {
        let mut parts: Vec<&[u8]> = vec![org.0.as_bytes()];
        parts.extend(words.iter().map(|w| w.as_bytes()));
        Self(Digest::of(&parts))
    }

    /// The cursor behind a row with these order values.
    pub fn cursor(&self, after: &[Cell<'_>]) -> String {
        let values: Vec<Value> = after.iter().map(to_json).collect();
        let text =
            Value::from(vec![Value::from(self.0.to_string()), Value::from(values)]).to_string();
        text.bytes().map(|b| format!("{b:02x}")).collect()
    }

    /// Reads a cursor of this listing; of each order value is known what it holds and whether it may be null.
    ///
    /// # Errors
    /// `CMMS-INPUT-009` for a cursor of another listing or a text that is none.
    pub fn read(&self, cursor: &str, kinds: &[(Kind, bool)]) -> Result<Vec<Cell<'static>>> {
        self.parse(cursor, kinds).ok_or_else(|| {
            Error::new(
                code::INPUT_CURSOR,
                "the cursor does not belong to this list",
            )
            .field(
                "cursor",
                "bad_cursor",
                "use the `next` of a page of the same list, filter and sort",
            )
        })
    }

    fn parse(&self, cursor: &str, kinds: &[(Kind, bool)]) -> Option<Vec<Cell<'static>>> {
        let bytes: Option<Vec<u8>> = cursor
            .as_bytes()
            .chunks(2)
            .map(|pair| {
                std::str::from_utf8(pair)
                    .ok()
                    .and_then(|p| u8::from_str_radix(p, 16).ok())
            })
            .collect();
        let (listing, values): (String, Vec<Value>) = serde_json::from_slice(&bytes?).ok()?;
        if listing != self.0.to_string() || values.len() != kinds.len() {
            return None;
        }
        values
            .into_iter()
            .zip(kinds)
            .map(|(value, (kind, nullable))| {
                if value.is_null() && *nullable {
                    return Some(Cell::Null);
                }
                from_json(value, *kind)
            })
            .collect()
    }
}

fn to_json(cell: &Cell<'_>) -> Value {
    match cell {
        Cell::Bool(v) => Value::from(*v),
        Cell::Int(v) | Cell::Time(v) => Value::from(*v),
        Cell::Real(v) => Value::from(*v),
        Cell::Text(v) => Value::from(v.as_ref()),
        Cell::Id(v) => Value::from(v.to_string()),
        Cell::Null | Cell::Bytes(_) | Cell::Json(_) => Value::Null,
    }
}

fn from_json(value: Value, kind: Kind) -> Option<Cell<'static>> {
    Some(match kind {
        Kind::Bool => Cell::Bool(value.as_bool()?),
        Kind::Int => Cell::Int(value.as_i64()?),
        Kind::Time => Cell::Time(value.as_i64()?),
        Kind::Real => Cell::Real(value.as_f64()?),
        Kind::Text => Cell::Text(Cow::Owned(value.as_str()?.to_owned())),
        Kind::Id => Cell::Id(uuid::Uuid::parse_str(value.as_str()?).ok()?),
        Kind::Bytes | Kind::Json => return None,
    })
}
