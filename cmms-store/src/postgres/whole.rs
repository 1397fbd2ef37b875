//! A transaction that goes to the server in one statement, together with its commit.
//!
//! The way there and back takes longer than a row or two. Whoever only adds needs one such way instead of four: to
//! begin, to count, to insert, to commit.

use super::bind::Values;
use super::counters::Count;
use super::errors::Fault;
use super::pool::{Begin, Pool};
use super::session::Kept;
use super::settle::Trace;
use super::turns::{Turn, key_of};
use super::write::{self, Later};
use crate::sql::{self, Catalogue, Dialect};
use cmms_core::Result;
use cmms_core::record::Cell;
use sqlx::{AssertSqlSafe, Row as _};
use std::sync::Arc;
use uuid::Uuid;

/// What it does.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) org: Uuid,
    /// A count, as it was foreseen.
    pub(super) count: Option<Count>,
    /// The rows that it inserts.
    pub(super) rows: Vec<Later>,
}

impl Whole {
    /// Sends it, and finds out what became of it where the answer is lost.
    ///
    /// # Errors
    /// `CMMS-STORE-015` where another process writes, or has counted.
    pub(super) async fn commit(
        self,
        pool: &Arc<Pool>,
        catalogue: &Arc<Catalogue>,
        turn: Turn,
        trace: Trace,
    ) -> Result<()> {
        if self.rows.is_empty() && self.count.is_none() {
            return Ok(());
        }
        let begun = pool.begin(self.org, Begin::Read).await;
        let mut session = begun.map_err(|e| pool.place.error(e))?;
        let done = self
            .run(session.enter()?, catalogue.dialect(), &pool.schema)
            .await;
        session.left(&done);
        match done {
            Ok(true) => {
                if let Some(count) = self.count {
                    pool.counters.note(self.org, count);
                }
                Ok(())
            }
            Ok(false) => {
                pool.counters.missed(self.org);
                Err(pool.place.conflict())
            }
            Err(fault) if fault.is_cut() => {
                pool.counters.missed(self.org);
                drop((session, turn));
                let org = self.org;
                trace.settle(pool, catalogue, org, fault, Some(self)).await
            }
            Err(fault) => Err(pool.place.error(fault)),
        }
    }

    /// Runs the statement; says whether it did what it should, or else nothing.
    pub(super) async fn run(
        &self,
        kept: &mut Kept,
        dialect: &Dialect,
        schema: &str,
    ) -> Result<bool, Fault> {
        let mut values = Values::of(self.org)?;
        for later in &self.rows {
            values.row(later.table, &later.row)?;
        }
        let lock = key_of(self.org, schema).writing();
        values.cell(&Cell::Int(lock))?;
        if let Some(count) = &self.count {
            count.key().iter().try_for_each(|cell| values.cell(cell))?;
            values.cell(&Cell::Int(count.added))?;
            values.cell(&Cell::Int(count.before()))?;
        }
        let tables: Vec<_> = self.rows.iter().map(|later| later.table).collect();
        let counter = self.count.as_ref().map(|count| count.table);
        let sql = sql::whole(&tables, counter, dialect);
        let row = sqlx::query_with(AssertSqlSafe(sql), values.into_arguments())
            .fetch_one(kept.connection())
            .await;
        let row = row.map_err(|e| write::told(e.into(), &tables))?;
        Ok(row.try_get(0)?)
    }
}
