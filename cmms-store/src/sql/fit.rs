//! Whether a value fits its column: what every store refuses before its database is asked.

use cmms_core::domain::TABLES;
use cmms_core::record::{Cell, Column, Kind, Table};
use cmms_core::{Error, Result};

/// The table whose rows are stored: of a projection, the one that it is a part of.
pub(super) fn base(table: &'static Table) -> &'static Table {
    let whole = |t: &&&'static Table| !t.projection && t.name == table.name;
    if table.projection {
        TABLES.iter().find(whole).copied().unwrap_or(table)
    } else {
        table
    }
}

/// Refuses a value that the column cannot hold.
#[inline]
pub(crate) fn fit(table: &Table, column: &Column, cell: &Cell<'_>, nullable: bool) -> Result<()> {
    let fits = match cell {
        Cell::Null => nullable,
        Cell::Bool(_) => column.kind == Kind::Bool,
        Cell::Int(_) => column.kind == Kind::Int,
        Cell::Real(v) => column.kind == Kind::Real && !v.is_nan(),
        Cell::Text(_) => column.kind == Kind::Text,
        Cell::Bytes(_) => column.kind == Kind::Bytes,
        Cell::Id(_) => column.kind == Kind::Id,
        Cell::Time(_) => column.kind == Kind::Time,
        Cell::Json(_) => column.kind == Kind::Json,
    };
    if fits {
        return Ok(());
    }
    Err(Error::internal(format!(
        "a value for {}.{} is no {:?}",
        table.name, column.name, column.kind
    )))
}
