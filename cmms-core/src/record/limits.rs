//! Which values a store keeps: the same for every one, so that what one takes each other takes, too.
//!
//! Databases differ in what they refuse: one takes no U+0000, one no row of an index beyond some octets, one no time
//! before its own calendar. What every one of them keeps is said here and checked before any of them is asked.

use super::{Cell, Column, Kind, Role, Table};
use crate::domain::TABLES;
use crate::{Error, Result, code};

/// The longest text of a key, of a unique value or of a column that is looked up, in octets.
pub const INDEXED: usize = 2_000;
/// The largest value of any other column, in octets.
pub const LARGEST: usize = 64 << 20;
/// The first and the last time: those of the years 1 to 9999, in microseconds since 1970.
pub const TIMES: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

/// Why a value cannot be kept: the slug of a rule, and a sentence that begins behind the name of its field.
pub type Refused = (&'static str, String);

impl Cell<'_> {
    /// Why no column keeps it, if that is so.
    #[inline]
    pub fn refused(&self) -> Option<Refused> {
        match self {
            Cell::Null | Cell::Bool(_) | Cell::Int(_) | Cell::Id(_) => None,
            Cell::Real(v) if v.is_finite() => None,
            Cell::Real(v) => Some(("bad_number", format!("is {v}; it must be a finite number"))),
            Cell::Time(at) if TIMES.contains(at) => None,
            Cell::Time(_) => Some(("out_of_range", "must lie in the years 1 to 9999".to_owned())),
            Cell::Text(text) | Cell::Json(text) if text.as_bytes().contains(&0) => {
                Some(("nul_character", "holds the character U+0000".to_owned()))
            }
            Cell::Text(text) | Cell::Json(text) => large(text.len(), LARGEST),
            Cell::Bytes(bytes) => large(bytes.len(), LARGEST),
        }
    }
}

fn large(octets: usize, most: usize) -> Option<Refused> {
    (octets > most).then(|| {
        let detail = format!("has {octets} octets; at most {most} are kept");
        ("too_large", detail)
    })
}

/// Refuses a value that its column cannot hold.
///
/// # Errors
/// `CMMS-STORE-017`, naming the column, for a value that no store keeps; `CMMS-INTERNAL-001` for one of another kind.
#[inline]
pub fn fit(table: &Table, column: &Column, cell: &Cell<'_>, nullable: bool) -> Result<()> {
    let fits = match cell {
        Cell::Null => nullable,
        Cell::Bool(_) => column.kind == Kind::Bool,
        Cell::Int(_) => column.kind == Kind::Int,
        Cell::Real(_) => column.kind == Kind::Real,
        Cell::Text(_) => column.kind == Kind::Text,
        Cell::Bytes(_) => column.kind == Kind::Bytes,
        Cell::Id(_) => column.kind == Kind::Id,
        Cell::Time(_) => column.kind == Kind::Time,
        Cell::Json(_) => column.kind == Kind::Json,
    };
    if !fits {
        return Err(Error::internal(format!(
            "a value for {}.{} is no {:?}",
            table.name, column.name, column.kind
        )));
    }
    match cell.refused().or_else(|| unfindable(table, column, cell)) {
        None => Ok(()),
        Some(why) => Err(refused(table, column, why)),
    }
}

/// Why a text is too long to be looked up by.
fn unfindable(table: &Table, column: &Column, cell: &Cell<'_>) -> Option<Refused> {
    match cell {
        Cell::Text(text) if text.len() > INDEXED && is_indexed(table, column) => {
            large(text.len(), INDEXED)
        }
        _ => None,
    }
}

/// Whether a column is part of a key or of an index.
fn is_indexed(table: &Table, column: &Column) -> bool {
    let whole = |t: &&&'static Table| !t.projection && t.name == table.name;
    let table = match table.projection {
        true => TABLES.iter().find(whole).copied().unwrap_or(table),
        false => table,
    };
    let mut sets = table.unique.iter().chain(table.index).copied().flatten();
    column.role == Role::Key || sets.any(|name| *name == column.name)
}

#[cold]
fn refused(table: &Table, column: &Column, (reason, detail): Refused) -> Error {
    let message = format!("{}.{} {detail}", table.name, column.name);
    Error::new(code::STORE_VALUE, message).field(column.name, reason, detail)
}
