//! How the rows of a table or projection lie in the stored rows.

use super::state::{Key, Stored};
use crate::domain::TABLES;
use crate::ports::fit;
use crate::record::{Cell, Column, Row, RowSource, RowTarget, Sink, Source, Table};
use crate::{Error, Result};
use std::collections::BTreeSet;

/// A table or projection, the table whose rows are stored, and where each column lies in those.
pub(super) struct Layout {
    table: &'static Table,
    pub(super) base: &'static Table,
    pub(super) places: Vec<usize>,
}

impl Layout {
    pub(super) fn of(table: &'static Table) -> Result<Self> {
        let base = if table.projection {
            TABLES
                .iter()
                .copied()
                .find(|t| t.name == table.name && !t.projection)
                .ok_or_else(|| Error::internal(format!("{} views no table", table.name)))?
        } else {
            table
        };
        let places = table
            .columns
            .iter()
            .map(|c| place(base, c.name))
            .collect::<Result<_>>()?;
        let key = |t: &'static Table| t.key().map(|(_, c)| c.name);
        if !key(table).eq(key(base)) {
            return Err(Error::internal(format!(
                "a view of {} has another key",
                base.name
            )));
        }
        Ok(Self {
            table,
            base,
            places,
        })
    }

    /// Refuses a key that comes twice.
    pub(super) fn refuse_repeats(&self, rows: &dyn RowSource) -> Result<()> {
        let mut seen = BTreeSet::new();
        for i in 0..rows.len() {
            let key = Row::of_key(self.table, rows, i);
            if !seen.insert(Key::of(key.0.iter())) {
                return Err(Error::internal(format!(
                    "a save of {} repeats a key",
                    self.base.name
                )));
            }
        }
        Ok(())
    }

    /// The rows to be saved, checked against the description.
    pub(super) fn rows(&self, from: &dyn RowSource) -> Result<Vec<Vec<Cell<'static>>>> {
        struct Owned(Vec<Cell<'static>>);
        impl<'a> Sink<'a> for Owned {
            fn put(&mut self, cell: Cell<'a>) {
                self.0.push(cell.into_owned());
            }
        }
        let columns = self.table.columns;
        (0..from.len())
            .map(|i| {
                let mut row = Owned(Vec::with_capacity(columns.len()));
                from.row(i, &mut row);
                if row.0.len() != columns.len() {
                    return Err(Error::internal(format!(
                        "a row of {} has {} cells instead of {}",
                        self.base.name,
                        row.0.len(),
                        columns.len()
                    )));
                }
                for (column, cell) in columns.iter().zip(&row.0) {
                    self.check(column, cell, column.nullable)?;
                }
                Ok(row.0)
            })
            .collect()
    }

    /// A stored row with these cells and null everywhere else.
    pub(super) fn widen(&self, cells: Vec<Cell<'static>>) -> Result<Vec<Cell<'static>>> {
        if !self.table.projection {
            return Ok(cells);
        }
        let mut row = vec![Cell::Null; self.base.columns.len()];
        for (place, cell) in self.places.iter().zip(cells) {
            if let Some(slot) = row.get_mut(*place) {
                *slot = cell;
            }
        }
        for (column, cell) in self.base.columns.iter().zip(&row) {
            self.check(column, cell, column.nullable)?;
        }
        Ok(row)
    }

    /// The key that a caller names.
    pub(super) fn key(&self, cells: &[Cell<'_>]) -> Result<Key> {
        let columns = self.base.key();
        if self.base.key().count() != cells.len() {
            return Err(Error::internal(format!(
                "a key of {} has {} cells",
                self.base.name,
                cells.len()
            )));
        }
        for ((_, column), cell) in columns.zip(cells) {
            self.check(column, cell, false)?;
        }
        Ok(Key::of(cells.iter()))
    }

    /// Hands the part of a stored row that the table has to its reader.
    pub(super) fn give(&self, row: &Stored, to: &mut dyn RowTarget) -> Result<()> {
        struct Cells<'r>(&'r [Cell<'static>], std::slice::Iter<'r, usize>);
        impl Source for Cells<'_> {
            fn take(&mut self) -> Result<Cell<'_>> {
                self.1
                    .next()
                    .and_then(|place| self.0.get(*place))
                    .map(Cell::borrowed)
                    .ok_or_else(|| Error::internal("a row is too short"))
            }
        }
        to.row(&mut Cells(row, self.places.iter()))
    }

    /// The place of a column that a query names.
    pub(super) fn column(&self, name: &str) -> Result<(usize, &'static Column)> {
        let place = place(self.base, name)?;
        self.base
            .columns
            .get(place)
            .map(|column| (place, column))
            .ok_or_else(|| Error::internal("a table is too narrow"))
    }

    /// Refuses a value that the column cannot hold.
    pub(super) fn check(&self, column: &Column, cell: &Cell<'_>, nullable: bool) -> Result<()> {
        fit(self.base, column, cell, nullable)
    }
}

fn place(base: &'static Table, name: &str) -> Result<usize> {
    base.position(name)
        .ok_or_else(|| Error::internal(format!("{} has no column {name}", base.name)))
}
