//! Cells on their way into statements and out of rows, in PostgreSQL's binary form.

use crate::sql::{Param, Statements, fit};
use cmms_core::record::{Cell, Column, Kind, Row, RowSource, Rows, Sink, Table};
use cmms_core::{Error, Result};
use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgRow, PgTypeInfo};
use sqlx::{Arguments as _, Postgres, Row as _, Type, ValueRef as _};
use uuid::Uuid;

/// Microseconds from 1970, where our times begin, to 2000, where PostgreSQL's do.
const EPOCH: i64 = 946_684_800_000_000;

/// Writes a value and says whether there is one.
fn write(cell: &Cell<'_>, to: &mut Vec<u8>) -> bool {
    match cell {
        Cell::Null => return false,
        Cell::Bool(v) => to.push(u8::from(*v)),
        Cell::Int(v) => to.extend(v.to_be_bytes()),
        Cell::Real(v) => to.extend(v.to_be_bytes()),
        Cell::Text(v) | Cell::Json(v) => to.extend(v.as_bytes()),
        Cell::Bytes(v) => to.extend(v.as_ref()),
        Cell::Id(v) => to.extend(v.as_bytes()),
        Cell::Time(v) => to.extend(v.wrapping_sub(EPOCH).to_be_bytes()),
    }
    true
}

/// Writes a value with its length before it, as in rows of COPY and in arrays.
fn write_with_length(cell: &Cell<'_>, to: &mut Vec<u8>) -> Result<()> {
    let start = to.len();
    to.extend((-1_i32).to_be_bytes());
    if write(cell, to) {
        let length = i32::try_from(to.len() - start - 4)
            .map_err(|e| Error::internal("a value is longer than a statement takes").source(e))?;
        if let Some(place) = to.get_mut(start..start + 4) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }
    Ok(())
}

/// The number of the type of an array's elements.
fn element(kind: Kind) -> u32 {
    match kind {
        Kind::Bool => 16,
        Kind::Int => 20,
        Kind::Real => 701,
        Kind::Text => 25,
        Kind::Bytes => 17,
        Kind::Id => 2950,
        Kind::Time => 1184,
        Kind::Json => 114,
    }
}

/// A value that is written already; the server knows from the statement what it is.
struct Written<'b>(Option<&'b [u8]>);

impl Type<Postgres> for Written<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Written<'_> {
    fn encode_by_ref(&self, to: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match self.0 {
            Some(bytes) => {
                to.extend_from_slice(bytes);
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        }
    }
}

/// A cell as a parameter.
struct Bound<'c, 'd>(&'c Cell<'d>);

impl Type<Postgres> for Bound<'_, '_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Bound<'_, '_> {
    fn encode_by_ref(&self, to: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(if write(self.0, to) {
            IsNull::No
        } else {
            IsNull::Yes
        })
    }
}

/// The values of a statement, the organization first.
pub(super) struct Values(PgArguments);

impl Values {
    pub(super) fn of(org: Uuid) -> Result<Self> {
        let mut values = Self(PgArguments::default());
        values.cell(&Cell::Id(org))?;
        Ok(values)
    }

    pub(super) fn cell(&mut self, cell: &Cell<'_>) -> Result<()> {
        self.0.add(Bound(cell)).map_err(refused)
    }

    fn written(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.add(Written(Some(bytes))).map_err(refused)
    }

    /// A parameter of a query.
    pub(super) fn param(&mut self, param: &Param<'_>) -> Result<()> {
        match param {
            Param::Cell(cell) => self.cell(cell),
            Param::Text(text) => self.cell(&Cell::text(text)),
            #[cfg(feature = "sqlite")]
            Param::Number(number) => self.cell(&Cell::Int(*number)),
            Param::Many(kind, cells) => {
                let mut array = Array::new(*kind, cells.len())?;
                cells.iter().try_for_each(|cell| array.push(cell))?;
                self.written(&array.bytes)
            }
        }
    }

    /// A whole row.
    pub(super) fn row(&mut self, table: &'static Table, row: &Row) -> Result<()> {
        each_cell(table, row, 0, |_, cell| self.cell(cell))
    }

    /// A key, in the order of its columns.
    pub(super) fn key(&mut self, of: &Statements, key: &[Cell<'_>]) -> Result<()> {
        check_key(of, key)?;
        key.iter().try_for_each(|cell| self.cell(cell))
    }

    /// Keys, an array for each of their columns.
    pub(super) fn keys(&mut self, of: &Statements, keys: &[&[Cell<'_>]]) -> Result<()> {
        for key in keys {
            check_key(of, key)?;
        }
        for (place, column) in of.key.iter().enumerate() {
            let mut array = Array::new(column.kind, keys.len())?;
            for key in keys {
                array.push(key.get(place).unwrap_or(&Cell::Null))?;
            }
            self.written(&array.bytes)?;
        }
        Ok(())
    }

    pub(super) fn into_arguments(self) -> PgArguments {
        self.0
    }
}

fn refused(e: BoxDynError) -> Error {
    Error::internal("a value does not fit into a statement").source(e)
}

fn check_key(of: &Statements, key: &[Cell<'_>]) -> Result<()> {
    if key.len() != of.key.len() {
        return Err(Error::internal(format!(
            "a key of {} has {} cells instead of {}",
            of.table.name,
            key.len(),
            of.key.len()
        )));
    }
    for (column, cell) in of.key.iter().zip(key) {
        fit(of.table, column, cell, false)?;
    }
    Ok(())
}

/// An array on its way.
struct Array {
    bytes: Vec<u8>,
}

impl Array {
    fn new(kind: Kind, length: usize) -> Result<Self> {
        let length = i32::try_from(length)
            .map_err(|e| Error::internal("too many values for one statement").source(e))?;
        let mut bytes = Vec::with_capacity(64);
        // Dimensions, no nulls promised, the type; then length and first index of the only dimension.
        let dimensions = i32::from(length > 0);
        bytes.extend(dimensions.to_be_bytes());
        bytes.extend(1_i32.to_be_bytes());
        bytes.extend(element(kind).to_be_bytes());
        if length > 0 {
            bytes.extend(length.to_be_bytes());
            bytes.extend(1_i32.to_be_bytes());
        }
        Ok(Self { bytes })
    }

    fn push(&mut self, cell: &Cell<'_>) -> Result<()> {
        write_with_length(cell, &mut self.bytes)
    }
}

/// The cells of one row, each checked, handed on with its place.
struct Checked<'t, F> {
    table: &'static Table,
    next: usize,
    failed: Option<Error>,
    take: &'t mut F,
}

impl<'a, F: FnMut(usize, &Cell<'_>) -> Result<()>> Sink<'a> for Checked<'_, F> {
    fn put(&mut self, cell: Cell<'a>) {
        let place = self.next;
        self.next += 1;
        let (None, Some(column)) = (&self.failed, self.table.columns.get(place)) else {
            return;
        };
        let taken = fit(self.table, column, &cell, column.nullable)
            .and_then(|()| (self.take)(place, &cell));
        self.failed = taken.err();
    }
}

/// Reads row `i`, each cell checked.
fn each_cell(
    table: &'static Table,
    rows: &dyn RowSource,
    i: usize,
    mut take: impl FnMut(usize, &Cell<'_>) -> Result<()>,
) -> Result<()> {
    let mut checked = Checked {
        table,
        next: 0,
        failed: None,
        take: &mut take,
    };
    rows.row(i, &mut checked);
    let Checked { next, failed, .. } = checked;
    if let Some(failed) = failed {
        return Err(failed);
    }
    if next != table.columns.len() {
        return Err(Error::internal(format!(
            "a row of {} has {next} cells instead of {}",
            table.name,
            table.columns.len()
        )));
    }
    Ok(())
}

/// Refuses a row that the table cannot hold.
pub(super) fn check_row(table: &'static Table, row: &Row) -> Result<()> {
    let rows = Rows {
        rows: vec![row.clone()],
        width: table.columns.len(),
    };
    each_cell(table, &rows, 0, |_, _| Ok(()))
}

/// Row `i` as the values of a statement on a row: of the columns that it uses.
pub(super) fn row(
    org: Uuid,
    table: &'static Table,
    uses: &[bool],
    rows: &dyn RowSource,
    i: usize,
) -> Result<PgArguments> {
    let mut values = Values::of(org)?;
    each_cell(table, rows, i, |place, cell| {
        if uses.get(place) == Some(&true) {
            values.cell(cell)?;
        }
        Ok(())
    })?;
    Ok(values.into_arguments())
}

/// Rows as arrays, one for each column.
pub(super) fn arrays(
    org: Uuid,
    table: &'static Table,
    rows: &dyn RowSource,
) -> Result<PgArguments> {
    let mut arrays = table
        .columns
        .iter()
        .map(|column: &Column| Array::new(column.kind, rows.len()))
        .collect::<Result<Vec<_>>>()?;
    for i in 0..rows.len() {
        each_cell(table, rows, i, |place, cell| match arrays.get_mut(place) {
            Some(array) => array.push(cell),
            None => Ok(()),
        })?;
    }
    let mut values = Values::of(org)?;
    for array in &arrays {
        values.written(&array.bytes)?;
    }
    Ok(values.into_arguments())
}

/// Rows as COPY takes them in binary, each with its number before it.
pub(super) fn copy(table: &'static Table, rows: &dyn RowSource) -> Result<Vec<u8>> {
    const HEAD: &[u8] = b"PGCOPY\n\xFF\r\n\0\0\0\0\0\0\0\0\0";
    let fields = i16::try_from(table.columns.len() + 1)
        .map_err(|e| Error::internal("a table has too many columns").source(e))?;
    let mut bytes = Vec::with_capacity(rows.len().saturating_mul(512));
    bytes.extend(HEAD);
    for i in 0..rows.len() {
        bytes.extend(fields.to_be_bytes());
        let number = i64::try_from(i).unwrap_or(i64::MAX);
        write_with_length(&Cell::Int(number), &mut bytes)?;
        each_cell(table, rows, i, |_, cell| {
            write_with_length(cell, &mut bytes)
        })?;
    }
    bytes.extend((-1_i16).to_be_bytes());
    Ok(bytes)
}

/// The cells of a row that was read.
pub(super) struct RowCells<'r> {
    row: &'r PgRow,
    table: &'static Table,
    before: usize,
    next: usize,
}

impl<'r> RowCells<'r> {
    pub(super) fn new(row: &'r PgRow, table: &'static Table) -> Self {
        Self::behind(row, table, 0)
    }

    /// The cells behind so many others.
    pub(super) fn behind(row: &'r PgRow, table: &'static Table, before: usize) -> Self {
        Self {
            row,
            table,
            before,
            next: 0,
        }
    }
}

impl cmms_core::record::Source for RowCells<'_> {
    fn take(&mut self) -> Result<Cell<'_>> {
        let place = self.next;
        self.next += 1;
        let Some(column) = self.table.columns.get(place) else {
            return Err(Error::internal(format!(
                "a row of {} is too short",
                self.table.name
            )));
        };
        cell(self.row, self.before + place, self.table, column)
    }
}

/// A value of a column at a place of a row that was read.
pub(super) fn cell<'r>(
    row: &'r PgRow,
    place: usize,
    table: &Table,
    column: &Column,
) -> Result<Cell<'r>> {
    let wrong = || {
        Error::internal(format!(
            "{}.{} holds another kind than {:?}",
            table.name, column.name, column.kind
        ))
    };
    let value = row.try_get_raw(place).map_err(|e| wrong().source(e))?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let bytes = value.as_bytes().map_err(|e| wrong().source(e))?;
    let eight = || -> Result<[u8; 8]> { bytes.try_into().map_err(|_| wrong()) };
    let text = || std::str::from_utf8(bytes).map_err(|e| wrong().source(e));
    Ok(match column.kind {
        Kind::Bool => Cell::Bool(bytes.first().is_some_and(|b| *b != 0)),
        Kind::Int => Cell::Int(i64::from_be_bytes(eight()?)),
        Kind::Time => Cell::Time(i64::from_be_bytes(eight()?).wrapping_add(EPOCH)),
        Kind::Real => Cell::Real(f64::from_be_bytes(eight()?)),
        Kind::Text => Cell::Text(text()?.into()),
        Kind::Json => Cell::Json(text()?.into()),
        Kind::Bytes => Cell::Bytes(bytes.into()),
        Kind::Id => Cell::Id(Uuid::from_slice(bytes).map_err(|e| wrong().source(e))?),
    })
}
