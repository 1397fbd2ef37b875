//! The rows of a table in the order of its keys, some at a time.

use crate::Result;
use crate::ports::store::{Query, Tx};
use crate::record::{Cell, Row, RowTarget, Rows, Source, Table};
use std::collections::VecDeque;

/// How many rows are read at a time.
const ROWS: u32 = 1_000;
/// How many octets are read at a time: rows may be large.
pub(super) const OCTETS: usize = 8 * 1024 * 1024;

/// The rows of one side, some at a time.
pub(super) struct Side {
    table: &'static Table,
    pub(super) rows: VecDeque<Row>,
    done: bool,
}

impl Side {
    pub(super) fn new(table: &'static Table) -> Self {
        Self {
            table,
            rows: VecDeque::new(),
            done: false,
        }
    }

    /// Whether nothing is at hand and there may be more.
    pub(super) fn is_dry(&self) -> bool {
        !self.done && self.rows.is_empty()
    }

    /// Reads on behind a key when nothing is at hand.
    pub(super) async fn fill(
        &mut self,
        tx: &mut Box<dyn Tx>,
        after: Option<&[Cell<'static>]>,
    ) -> Result<()> {
        if !self.is_dry() {
            return Ok(());
        }
        let query = Query {
            after: after.map(<[_]>::to_vec),
            limit: Some(ROWS),
            ..Query::default()
        };
        let mut found = Part {
            rows: Rows::of_width(self.table.columns.len()),
            octets: 0,
            is_cut: false,
        };
        tx.list(self.table, &query, &mut found).await?;
        self.done = !found.is_cut && found.rows.rows.len() < ROWS as usize;
        self.rows = found.rows.rows.into();
        Ok(())
    }
}

/// The first rows of a query, up to so many octets.
struct Part {
    rows: Rows,
    octets: usize,
    is_cut: bool,
}

impl RowTarget for Part {
    fn row(&mut self, from: &mut dyn Source) -> Result<()> {
        if self.octets >= OCTETS {
            self.is_cut = true;
            return Ok(());
        }
        self.rows.row(from)?;
        self.octets += self.rows.rows.last().map_or(0, octets_of);
        Ok(())
    }

    fn takes_more(&self) -> bool {
        !self.is_cut
    }
}

/// How many octets the cells of a row hold.
pub(super) fn octets_of(row: &Row) -> usize {
    let octets = row.0.iter().map(|cell| match cell {
        Cell::Text(text) | Cell::Json(text) => text.len(),
        Cell::Bytes(bytes) => bytes.len(),
        _ => size_of::<u64>(),
    });
    octets.sum()
}
