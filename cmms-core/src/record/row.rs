//! Rows: what travels between records and stores.

use super::{Cell, Column, Record, Role, Table};
use crate::{Error, Result};

/// Takes the cells of one row, in the order of its table's columns.
pub trait Sink<'a> {
    /// Takes the next cell.
    fn put(&mut self, cell: Cell<'a>);
}

/// Gives the cells of one row, in the order of its table's columns.
pub trait Source {
    /// Gives the next cell.
    ///
    /// # Errors
    /// `CMMS-INTERNAL-001` when the row has no more cells or one has another kind.
    fn take(&mut self) -> Result<Cell<'_>>;
}

/// Rows to be saved.
pub trait RowSource: Sync {
    /// How many.
    fn len(&self) -> usize;
    /// Writes row `i`.
    fn row<'a>(&'a self, i: usize, to: &mut dyn Sink<'a>);
    /// Writes the cells of the key of row `i` of this table, in order.
    fn key<'a>(&'a self, table: &'static Table, i: usize, to: &mut dyn Sink<'a>) {
        self.row(
            i,
            &mut OfKey {
                columns: table.columns.iter(),
                to,
            },
        );
    }
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Lets the cells of the key pass.
struct OfKey<'t, 's> {
    columns: std::slice::Iter<'static, Column>,
    to: &'t mut dyn Sink<'s>,
}

impl<'a> Sink<'a> for OfKey<'_, 'a> {
    fn put(&mut self, cell: Cell<'a>) {
        if self.columns.next().is_some_and(|c| c.role == Role::Key) {
            self.to.put(cell);
        }
    }
}

/// Receives rows that were read.
pub trait RowTarget: Send {
    /// Takes one row.
    ///
    /// # Errors
    /// Whatever is wrong with the row; the read ends with it.
    fn row(&mut self, from: &mut dyn Source) -> Result<()>;

    /// Whether it wants further rows: if not, a store may leave them out.
    fn takes_more(&self) -> bool {
        true
    }
}

impl<R: Record> RowSource for Vec<R> {
    fn len(&self) -> usize {
        self.as_slice().len()
    }
    fn row<'a>(&'a self, i: usize, to: &mut dyn Sink<'a>) {
        if let Some(record) = self.get(i) {
            record.write(to);
        }
    }
    fn key<'a>(&'a self, _: &'static Table, i: usize, to: &mut dyn Sink<'a>) {
        if let Some(record) = self.get(i) {
            record.write_key(to);
        }
    }
}

impl<R: Record> RowTarget for Vec<R> {
    fn row(&mut self, from: &mut dyn Source) -> Result<()> {
        self.push(R::read(from)?);
        Ok(())
    }
}

/// The cells of one row, owned: a record without its type.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row(pub Vec<Cell<'static>>);

impl Row {
    /// The row of a record.
    pub fn of<R: Record>(record: &R) -> Self {
        let mut cells = Owned(Vec::with_capacity(R::TABLE.columns.len()));
        record.write(&mut cells);
        Self(cells.0)
    }

    /// The key of row `i`.
    pub fn of_key(table: &'static Table, rows: &dyn RowSource, i: usize) -> Self {
        let mut cells = Owned(Vec::new());
        rows.key(table, i, &mut cells);
        Self(cells.0)
    }

    /// Row `i`.
    pub fn of_source(rows: &dyn RowSource, i: usize) -> Self {
        let mut cells = Owned(Vec::new());
        rows.row(i, &mut cells);
        Self(cells.0)
    }

    /// The record of this row, without copies of its texts.
    ///
    /// # Errors
    /// Names the column whose cell does not fit.
    pub fn into_record<R: Record>(self) -> Result<R> {
        R::read(&mut self.into_source())
    }

    /// Its cells, for a target.
    pub fn into_source(self) -> impl Source {
        struct Cells(std::vec::IntoIter<Cell<'static>>);
        impl Source for Cells {
            fn take(&mut self) -> Result<Cell<'_>> {
                self.0
                    .next()
                    .ok_or_else(|| Error::internal("a row is too short"))
            }
        }
        Cells(self.0.into_iter())
    }
}

/// This row alone.
impl RowSource for Row {
    fn len(&self) -> usize {
        1
    }
    fn row<'a>(&'a self, _: usize, to: &mut dyn Sink<'a>) {
        self.0.iter().for_each(|c| to.put(c.borrowed()));
    }
}

/// Keeps the cells that it takes.
struct Owned(Vec<Cell<'static>>);

impl<'a> Sink<'a> for Owned {
    fn put(&mut self, cell: Cell<'a>) {
        self.0.push(cell.into_owned());
    }
}

/// Rows without their type, as source and target.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// The rows.
    pub rows: Vec<Row>,
    /// How many cells each has, for reading.
    pub width: usize,
}

impl Rows {
    /// An empty target for rows of this many cells.
    pub fn of_width(width: usize) -> Self {
        Self {
            rows: Vec::new(),
            width,
        }
    }
}

impl RowSource for Rows {
    fn len(&self) -> usize {
        self.rows.len()
    }
    fn row<'a>(&'a self, i: usize, to: &mut dyn Sink<'a>) {
        if let Some(row) = self.rows.get(i) {
            row.row(0, to);
        }
    }
}

impl RowTarget for Rows {
    fn row(&mut self, from: &mut dyn Source) -> Result<()> {
        let mut cells = Vec::with_capacity(self.width);
        for _ in 0..self.width {
            cells.push(from.take()?.into_owned());
        }
        self.rows.push(Row(cells));
        Ok(())
    }
}
