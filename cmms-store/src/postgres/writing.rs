//! What a transaction writes: at once, by foresight, or put off.

use super::ahead::Writer;
use super::bind;
use super::calls::{Read, Write, Written, others_wait};
use super::counters::{Count, counting};
use super::session::Session;
use super::turns::key_of;
use super::tx::{Held, PgTx};
use super::write::{self, Later};
use cmms_core::ports::store::{Lock, SaveRule, Saved, Tx as _, not_new};
use cmms_core::record::{Cell, Row, RowSource, RowTarget, Rows, Table};
use cmms_core::{Error, Result};
use std::sync::Arc;
use tokio::time::Instant;

/// After a call with so many rows it is asked whether writers of other processes wait.
const LONG: usize = 200;

impl PgTx {
    /// Writes within this transaction or, where each call stands alone, within one of its own.
    pub(super) async fn write(
        &mut self,
        what: Write<'_, '_>,
        table: &'static Table,
    ) -> Result<Written> {
        self.catch_up().await?;
        let statements = self.catalogue.of(table);
        let place = self.pool.place.clone();
        match &mut self.held {
            Held::Write(writer, _) => {
                let session = writer.session().map_err(|e| place.error(e))?;
                let kept = session.enter()?;
                let mut done = what.on(kept, &statements, self.org).await;
                if done.is_ok() && what.rows() >= LONG {
                    let key = key_of(self.org, &self.pool.schema).waiting();
                    match others_wait(kept, key).await {
                        Ok(others) => {
                            self.others = others;
                            self.asked = Instant::now();
                        }
                        Err(fault) => done = Err(fault),
                    }
                }
                session.left(&done);
                if let (Ok(Written::Saved(saved)), Write::Save(rows, _)) = (&done, &what) {
                    self.trace.note(&statements, *rows, saved);
                }
                done.map_err(|e| place.error(e))
            }
            Held::Add(..) => Err(not_begun()),
            Held::Snapshot(_) => Err(only_reads(table)),
            Held::Nothing => {
                let (session, turn) = self
                    .pool
                    .writer(self.org)
                    .await
                    .map_err(|e| place.error(e))?;
                let mut alone = Box::new(Self::new(
                    Arc::clone(&self.pool),
                    Arc::clone(&self.catalogue),
                    self.org,
                    Held::Write(Writer::Here(session), turn),
                ));
                let written = Box::pin(alone.write(what, table)).await?;
                alone.commit().await?;
                Ok(written)
            }
        }
    }

    pub(super) async fn save_rows(
        &mut self,
        table: &'static Table,
        rows: &dyn RowSource,
        rule: SaveRule,
    ) -> Result<Vec<Saved>> {
        match self.write(Write::Save(rows, rule), table).await? {
            Written::Saved(saved) => Ok(saved),
            Written::Deleted(_) => Err(Error::internal("a save deleted")),
        }
    }

    /// Counts as it is foreseen, or upserts and reads.
    pub(super) async fn count_or_save(
        &mut self,
        table: &'static Table,
        rows: &dyn RowSource,
        to: &mut dyn RowTarget,
    ) -> Result<Vec<Saved>> {
        if let (Held::Add(_, count @ None), 1) = (&mut self.held, rows.len())
            && let Some(next) = self.pool.counters.foresee(self.org, table, rows)
        {
            to.row(&mut next.stored().into_source())?;
            *count = Some(next);
            return Ok(vec![Saved::Updated]);
        }
        self.catch_up().await?;
        let statements = self.catalogue.of(table);
        let alone = rows.len() == 1 && !statements.has_unique();
        if let (true, Held::Write(..)) = (alone, &self.held) {
            let mut read = Rows::of_width(table.columns.len());
            let saved = self.upsert_one(&statements, rows, &mut read).await?;
            for row in read.rows {
                let total = counting(table).and_then(|place| row.0.get(place));
                if let Some(Cell::Int(total)) = total {
                    self.count = Count::of(table, rows, *total);
                }
                to.row(&mut row.into_source())?;
            }
            return Ok(vec![saved]);
        }
        let saved = self.save_rows(table, rows, SaveRule::Upsert).await?;
        let keys: Vec<Row> = (0..rows.len())
            .map(|i| Row::of_key(table, rows, i))
            .collect();
        let keys: Vec<&[Cell<'_>]> = keys.iter().map(|key| key.0.as_slice()).collect();
        self.read_rows(Read::Keys(&keys, Lock::None), table, to)
            .await?;
        Ok(saved)
    }

    /// Puts a row off, or sends several without waiting for the answer.
    pub(super) async fn put_off(
        &mut self,
        table: &'static Table,
        rows: &dyn RowSource,
    ) -> Result<()> {
        match (&self.held, rows.len()) {
            (Held::Write(..) | Held::Add(..), 0) => return Ok(()),
            (Held::Write(..) | Held::Add(..), 1) => {
                let row = Row::of_source(rows, 0);
                bind::check_row(table, &row)?;
                self.trace.put_off(table, rows);
                self.later.push(Later { table, row });
                return Ok(());
            }
            (Held::Write(..) | Held::Add(..), _) => return self.send(table, rows).await,
            (Held::Snapshot(_), _) => return Err(only_reads(table)),
            (Held::Nothing, _) => {}
        }
        // Standing alone: all of them or none.
        let turn = self.pool.hold_write(self.org).await;
        let held = turn.map_err(|e| self.pool.place.error(e))?;
        let (pool, catalogue) = (Arc::clone(&self.pool), Arc::clone(&self.catalogue));
        let mut alone = Box::new(Self::new(pool, catalogue, self.org, held));
        let saved = alone.save(table, rows, SaveRule::Insert).await?;
        if saved.iter().any(|s| *s != Saved::Inserted) {
            return Err(not_new(table));
        }
        alone.commit().await
    }

    /// Sends rows that are new, and does not wait for the answer.
    async fn send(&mut self, table: &'static Table, rows: &dyn RowSource) -> Result<()> {
        let statements = self.catalogue.of(table);
        let key = key_of(self.org, &self.pool.schema).waiting();
        for piece in write::pieces(rows) {
            // Made while the ones before are under way.
            let values = bind::arrays(self.org, table, &piece)?;
            let is_long = piece.len() >= LONG;
            self.catch_up().await?;
            let Held::Write(writer, _) = &mut self.held else {
                return Err(Error::internal("rows were sent outside of a transaction"));
            };
            let statements = Arc::clone(&statements);
            let sent = writer.send(&self.pool.runtime, async move |mut session: Session| {
                let done = match session.enter() {
                    Ok(kept) => {
                        let done = write::insert_new(kept, &statements, values).await;
                        match done {
                            Ok(()) if is_long => others_wait(kept, key).await.map(Some),
                            done => done.map(|()| None),
                        }
                    }
                    Err(e) => Err(e.into()),
                };
                session.left(&done);
                (session, done)
            });
            sent.map_err(|e| self.pool.place.error(e))?;
        }
        Ok(())
    }
}

fn only_reads(table: &Table) -> Error {
    Error::internal(format!(
        "{} is written in a transaction that only reads",
        table.name
    ))
}

pub(super) fn not_begun() -> Error {
    Error::internal("a transaction has not begun")
}

/// The error of what comes after the end of a transaction.
pub(super) fn ended() -> Error {
    Error::internal("the transaction has ended with an earlier failure; nothing of it was stored")
}
