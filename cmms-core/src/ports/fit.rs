//! What every store refuses before its database is asked.

use crate::domain::TABLES;
use crate::record::{Cell, Column, INDEXED, Kind, Refused, Role, Table, large};
use crate::{Error, Result, code};

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
