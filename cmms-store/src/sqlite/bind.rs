//! Cells on their way into statements and out of rows, without a copy of ours in between.

use super::errors::{Fault, is_clash};
use crate::sql::{Action, Param, Statements, fit};
use cmms_core::record::{Cell, Column, Kind, RowSource, Sink, Source, Table};
use cmms_core::{Error, Result};
use rusqlite::types::{ToSql, ToSqlOutput, Value, ValueRef};
use rusqlite::{CachedStatement, Connection, Row};
use std::borrow::Cow;
use uuid::Uuid;

/// A cell as a parameter.
pub(super) struct Bound<'c>(pub(super) &'c Cell<'c>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Cell::Null => ValueRef::Null,
            Cell::Bool(v) => ValueRef::Integer(i64::from(*v)),
            Cell::Int(v) | Cell::Time(v) => ValueRef::Integer(*v),
            Cell::Real(v) => ValueRef::Real(*v),
            Cell::Text(v) | Cell::Json(v) => ValueRef::Text(v.as_bytes()),
            Cell::Bytes(v) => ValueRef::Blob(v),
            Cell::Id(v) => ValueRef::Blob(v.as_bytes()),
        }))
    }
}

/// Many cells as one parameter, a table for `rarray`. Not as the `Rc` that rusqlite 0.39 offers for it: that one
/// never frees the values.
struct Many<'c>(&'c [Cell<'c>]);

impl ToSql for Many<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let values: Vec<Value> = self.0.iter().map(owned).collect();
        Ok(ToSqlOutput::new_boxed(values, c"rarray"))
    }
}

fn owned(cell: &Cell<'_>) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Bool(v) => Value::Integer(i64::from(*v)),
        Cell::Int(v) | Cell::Time(v) => Value::Integer(*v),
        Cell::Real(v) => Value::Real(*v),
        Cell::Text(v) | Cell::Json(v) => Value::Text(v.as_ref().to_owned()),
        Cell::Bytes(v) => Value::Blob(v.to_vec()),
        Cell::Id(v) => Value::Blob(v.as_bytes().to_vec()),
    }
}

/// Binds a parameter of a query.
pub(super) fn bind_param(
    statement: &mut CachedStatement<'_>,
    index: usize,
    param: &Param<'_>,
) -> rusqlite::Result<()> {
    match param {
        Param::Cell(cell) => statement.raw_bind_parameter(index, Bound(cell)),
        Param::Text(text) => statement.raw_bind_parameter(index, text.as_ref()),
        Param::Number(number) => statement.raw_bind_parameter(index, number),
        Param::Many(_, cells) => statement.raw_bind_parameter(index, Many(cells)),
    }
}

/// Binds the organization and a key.
pub(super) fn bind_key(
    statement: &mut CachedStatement<'_>,
    of: &Statements,
    key: &[Cell<'_>],
) -> Result<(), Fault> {
    if key.len() != of.key.len() {
        return Err(Error::internal(format!(
            "a key of {} has {} cells instead of {}",
            of.table.name,
            key.len(),
            of.key.len()
        ))
        .into());
    }
    for (i, (column, cell)) in of.key.iter().zip(key).enumerate() {
        fit(of.table, column, cell, false)?;
        statement.raw_bind_parameter(i + 2, Bound(cell))?;
    }
    Ok(())
}

/// What a statement did with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ran {
    /// It changed a row.
    Changed,
    /// It found nothing to change.
    Nothing,
    /// It met a unique key that is taken.
    Clash,
}

/// A statement on rows, looked up once for all rows of a call.
pub(super) struct RowStatement<'c, 's> {
    statement: CachedStatement<'c>,
    uses: Cow<'s, [bool]>,
    table: &'static Table,
}

impl<'c, 's> RowStatement<'c, 's> {
    pub(super) fn new(
        connection: &'c Connection,
        table: &'static Table,
        action: &'s Action,
        org: Uuid,
    ) -> Result<Self, Fault> {
        Self::with(connection, table, &action.sql, (&action.uses).into(), org)
    }

    /// One that was made for a row.
    pub(super) fn of(
        connection: &'c Connection,
        table: &'static Table,
        action: Action,
        org: Uuid,
    ) -> Result<Self, Fault> {
        Self::with(connection, table, &action.sql, action.uses.into(), org)
    }

    fn with(
        connection: &'c Connection,
        table: &'static Table,
        sql: &str,
        uses: Cow<'s, [bool]>,
        org: Uuid,
    ) -> Result<Self, Fault> {
        let mut statement = connection.prepare_cached(sql)?;
        statement.raw_bind_parameter(1, org.as_bytes().as_slice())?;
        Ok(Self {
            statement,
            uses,
            table,
        })
    }

    /// Binds row `i`.
    pub(super) fn bind(&mut self, rows: &dyn RowSource, i: usize) -> Result<(), Fault> {
        let mut binder = Binder {
            statement: &mut self.statement,
            uses: &self.uses,
            table: self.table,
            next: 0,
            fault: None,
        };
        rows.row(i, &mut binder);
        let Binder { next, fault, .. } = binder;
        if let Some(fault) = fault {
            return Err(fault);
        }
        if next != self.table.columns.len() {
            return Err(Error::internal(format!(
                "a row of {} has {next} cells instead of {}",
                self.table.name,
                self.table.columns.len()
            ))
            .into());
        }
        Ok(())
    }

    /// Runs the statement on the row that was bound last.
    pub(super) fn run(&mut self) -> Result<Ran, Fault> {
        match self.statement.raw_execute() {
            Ok(0) => Ok(Ran::Nothing),
            Ok(_) => Ok(Ran::Changed),
            Err(e) if is_clash(&e) => Ok(Ran::Clash),
            Err(e) => Err(e.into()),
        }
    }

    /// What the statement tells of each column of the row that it finds, if it finds one.
    pub(super) fn tells(&mut self, to: &mut Vec<bool>) -> Result<bool, Fault> {
        to.clear();
        let columns = self.statement.column_count();
        let mut rows = self.statement.raw_query();
        let Some(row) = rows.next()? else {
            return Ok(false);
        };
        for i in 0..columns {
            to.push(row.get(i)?);
        }
        Ok(true)
    }

    /// Whether the statement finds a row.
    pub(super) fn finds(&mut self) -> Result<bool, Fault> {
        Ok(self.statement.raw_query().next()?.is_some())
    }
}

struct Binder<'b, 'c> {
    statement: &'b mut CachedStatement<'c>,
    uses: &'b [bool],
    table: &'static Table,
    next: usize,
    fault: Option<Fault>,
}

impl Binder<'_, '_> {
    fn take(&mut self, i: usize, column: &Column, cell: &Cell<'_>) -> Result<(), Fault> {
        fit(self.table, column, cell, column.nullable)?;
        if self.uses.get(i) == Some(&true) {
            self.statement.raw_bind_parameter(i + 2, Bound(cell))?;
        }
        Ok(())
    }
}

impl<'a> Sink<'a> for Binder<'_, '_> {
    fn put(&mut self, cell: Cell<'a>) {
        let i = self.next;
        self.next += 1;
        let column = self.table.columns.get(i);
        if let Some(column) = column.filter(|_| self.fault.is_none())
            && let Err(fault) = self.take(i, column, &cell)
        {
            self.fault = Some(fault);
        }
    }
}

/// The cells of a row that was read.
pub(super) struct RowCells<'r, 's> {
    row: &'r Row<'s>,
    table: &'static Table,
    next: usize,
}

impl<'r, 's> RowCells<'r, 's> {
    pub(super) fn new(row: &'r Row<'s>, table: &'static Table) -> Self {
        Self {
            row,
            table,
            next: 0,
        }
    }
}

impl Source for RowCells<'_, '_> {
    fn take(&mut self) -> Result<Cell<'_>> {
        let i = self.next;
        self.next += 1;
        let Some(column) = self.table.columns.get(i) else {
            return Err(Error::internal(format!(
                "a row of {} is too short",
                self.table.name
            )));
        };
        let value = self.row.get_ref(i);
        cell(
            value.map_err(|e| wrong(self.table, column).source(e))?,
            self.table,
            column,
        )
    }
}

fn wrong(table: &Table, column: &Column) -> Error {
    Error::internal(format!(
        "{}.{} holds another kind than {:?}",
        table.name, column.name, column.kind
    ))
}

/// A value of a column that was read.
pub(super) fn cell<'v>(value: ValueRef<'v>, table: &Table, column: &Column) -> Result<Cell<'v>> {
    let wrong = || wrong(table, column);
    let text = |bytes| std::str::from_utf8(bytes).map_err(|e| wrong().source(e));
    Ok(match (column.kind, value) {
        (_, ValueRef::Null) => Cell::Null,
        (Kind::Bool, ValueRef::Integer(v)) => Cell::Bool(v != 0),
        (Kind::Int, ValueRef::Integer(v)) => Cell::Int(v),
        (Kind::Time, ValueRef::Integer(v)) => Cell::Time(v),
        (Kind::Real, ValueRef::Real(v)) => Cell::Real(v),
        (Kind::Text, ValueRef::Text(v)) => Cell::Text(text(v)?.into()),
        (Kind::Json, ValueRef::Text(v)) => Cell::Json(text(v)?.into()),
        (Kind::Bytes, ValueRef::Blob(v)) => Cell::Bytes(v.into()),
        (Kind::Id, ValueRef::Blob(v)) => {
            Cell::Id(Uuid::from_slice(v).map_err(|e| wrong().source(e))?)
        }
        _ => return Err(wrong()),
    })
}
