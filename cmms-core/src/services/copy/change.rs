//! What a copy writes next into its target.

use super::rows::octets_of;
use super::{RefusedRow, Target};
use crate::mapping::cell_json;
use crate::ports::store::{SaveRule, Saved, TxMode};
use crate::record::{Cell, Row, Rows, Table};
use crate::{Error, Result, code};

/// What is to be written next.
pub(super) struct Change {
    table: &'static Table,
    insert: Vec<Row>,
    delete: Vec<Vec<Cell<'static>>>,
    /// Rows that the target refused so far.
    pub(super) refused: Vec<RefusedRow>,
    octets: usize,
}

impl Change {
    pub(super) fn new(table: &'static Table) -> Self {
        Self {
            table,
            insert: Vec::new(),
            delete: Vec::new(),
            refused: Vec::new(),
            octets: 0,
        }
    }

    /// Notes a row that the target lacks.
    pub(super) fn insert(&mut self, row: Row) {
        self.octets += octets_of(&row);
        self.insert.push(row);
    }

    /// Notes a row that the target has too much.
    pub(super) fn delete(&mut self, row: &Row) {
        self.delete.push(key_of(self.table, row));
    }

    /// Whether there is enough to be written at a time: so many rows, or so many octets.
    pub(super) fn is_full(&self, rows: usize, octets: usize) -> bool {
        self.len() >= rows || self.octets >= octets
    }

    fn len(&self) -> usize {
        self.insert.len() + self.delete.len()
    }

    /// Writes it: all of it but for rows that the target refuses, or on another error nothing.
    pub(super) async fn write(&mut self, to: &mut Target<'_>) -> Result<()> {
        if self.len() == 0 {
            return Ok(());
        }
        self.octets = 0;
        let mut parts = vec![Rows {
            rows: std::mem::take(&mut self.insert),
            width: self.table.columns.len(),
        }];
        while let Some(mut rows) = parts.pop() {
            match self.write_rows(to, &rows).await {
                Ok(()) => self.delete.clear(),
                // The half with the culprit is halved until that is alone.
                Err(e) if e.is(code::STORE_VALUE) && !rows.rows.is_empty() => {
                    if let [row] = rows.rows.as_slice() {
                        self.refused.push(RefusedRow {
                            key: shown(&key_of(self.table, row)),
                            why: e.message().to_owned(),
                        });
                        rows.rows.clear();
                        // What is to be deleted is so all the same.
                        parts.push(rows);
                        continue;
                    }
                    let second = rows.rows.split_off(rows.rows.len() / 2);
                    let width = rows.width;
                    parts.extend([
                        Rows {
                            rows: second,
                            width,
                        },
                        rows,
                    ]);
                }
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Deletes what is to be deleted and inserts these rows, in one transaction.
    async fn write_rows(&self, to: &mut Target<'_>, rows: &Rows) -> Result<()> {
        let mut tx = to.store.begin(&to.scope, TxMode::Write).await?;
        // From here on: others that wrote before are not what this store takes.
        let began = to.clock.elapsed();
        let keys: Vec<&[Cell<'_>]> = self.delete.iter().map(Vec::as_slice).collect();
        tx.delete(self.table, &keys).await?;
        let saved = tx.save(self.table, rows, SaveRule::Insert).await?;
        if saved.iter().any(|s| *s != Saved::Inserted) {
            return Err(Error::new(
                code::COPY_TARGET,
                format!(
                    "somebody else writes {} in the target meanwhile",
                    self.table.name
                ),
            ));
        }
        tx.commit().await?;
        let took = to.clock.elapsed().saturating_sub(began);
        to.pace.took(self.delete.len() + rows.rows.len(), took);
        Ok(())
    }
}

/// The key of a row.
pub(super) fn key_of(table: &'static Table, row: &Row) -> Vec<Cell<'static>> {
    let cell = |place: usize| row.0.get(place).cloned().unwrap_or(Cell::Null);
    table.key().map(|(place, _)| cell(place)).collect()
}

/// A key as people read it.
fn shown(key: &[Cell<'_>]) -> String {
    let cells = key.iter().map(|cell| match cell {
        Cell::Text(text) => text
            .chars()
            .flat_map(char::escape_debug)
            .take(200)
            .collect(),
        Cell::Id(id) => id.to_string(),
        other => cell_json(other).to_string(),
    });
    cells.collect::<Vec<String>>().join(" ")
}
