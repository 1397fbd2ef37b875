//! Counting rows: how many there are, and how many with each value of a column.

use super::store::Filter;
use crate::record::{Cell, Col, Kind, RowTarget, Rows, Source, Table};
use crate::{Error, Result};
use std::cmp::Ordering;

/// What is counted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Count<'a> {
    /// Which rows.
    pub filter: Filter<'a>,
    /// The column whose values are counted one by one, which holds no JSON; none: all rows together.
    pub by: Option<Col>,
    /// At most so many values, those of the most rows.
    pub limit: Option<u32>,
}

/// A value and how many rows have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The value; null where all rows are counted together, or where rows have none.
    pub value: Cell<'static>,
    /// How many rows.
    pub rows: u64,
}

impl Count<'_> {
    /// The place of the column whose values are counted in the rows of a table.
    ///
    /// # Errors
    /// `CMMS-INTERNAL-001` for a column that the table does not have, or whose values are not compared.
    pub fn place(&self, table: &'static Table) -> Result<Option<usize>> {
        let Some(col) = self.by else { return Ok(None) };
        let place = table.position(col.0);
        let column = place.and_then(|place| table.columns.get(place));
        match column {
            Some(column) if column.kind != Kind::Json => Ok(place),
            Some(_) => Err(Error::internal(format!(
                "{}.{} is JSON, whose values are not compared",
                table.name, col.0
            ))),
            None => Err(Error::internal(format!(
                "{} has no column {}",
                table.name, col.0
            ))),
        }
    }
}

/// The values with their counts: of the most rows first, then by value; at most so many.
pub fn grouped(mut values: Vec<Cell<'static>>, limit: Option<u32>) -> Vec<Group> {
    values.sort_by(Cell::compare);
    let mut groups: Vec<Group> = Vec::new();
    for value in values {
        match groups.last_mut() {
            Some(last) if last.value.compare(&value) == Ordering::Equal => last.rows += 1,
            _ => groups.push(Group { value, rows: 1 }),
        }
    }
    // Stable: equal counts stay by value.
    groups.sort_by_key(|group| std::cmp::Reverse(group.rows));
    if let Some(limit) = limit {
        groups.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    groups
}

/// All rows together.
pub fn together(rows: u64) -> Vec<Group> {
    vec![Group {
        value: Cell::Null,
        rows,
    }]
}

/// Takes rows for their number and for the values of one column.
pub(super) struct Values {
    width: usize,
    place: Option<usize>,
    rows: u64,
    values: Vec<Cell<'static>>,
}

impl Values {
    pub(super) fn new(table: &'static Table, place: Option<usize>) -> Self {
        Self {
            width: table.columns.len(),
            place,
            rows: 0,
            values: Vec::new(),
        }
    }

    pub(super) fn into_groups(self, limit: Option<u32>) -> Vec<Group> {
        match self.place {
            Some(_) => grouped(self.values, limit),
            None => together(self.rows),
        }
    }
}

impl RowTarget for Values {
    fn row(&mut self, from: &mut dyn Source) -> Result<()> {
        self.rows += 1;
        let mut row = Rows::of_width(self.width);
        row.row(from)?;
        let row = row.rows.into_iter().next();
        let value = self.place.and_then(|place| row?.0.into_iter().nth(place));
        self.values.extend(value);
        Ok(())
    }
}
