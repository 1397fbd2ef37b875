//! A transaction of one organization on a SQLite store.

use super::aside::{SHORT, step_aside};
use super::errors::Fault;
use super::pool::{Pool, ReaderGuard, WriterGuard};
use super::{read, write};
use crate::keys::refuse_repeats;
use crate::sql::{Catalogue, Statements};
use async_trait::async_trait;
use cmms_core::ports::count::{Count, Group};
use cmms_core::ports::store::{Filter, Lock, Named, Query, Related, SaveRule, Saved, Tx, not_new};
use cmms_core::record::{Cell, RowSource, RowTarget, Table};
use cmms_core::{Error, Result};
use rusqlite::Connection;
use std::sync::Arc;
use uuid::Uuid;

/// A query that may find more rows than this steps aside.
const SHORT_LIST: u32 = 500;

/// What a transaction holds from its beginning to its end.
#[derive(Debug)]
pub(super) enum Held {
    /// Nothing: each call stands alone.
    Nothing,
    /// A reader that holds on to a state.
    Snapshot(ReaderGuard),
    /// The writer.
    Write(WriterGuard),
}

/// A transaction. Locks of single rows do nothing here: a write transaction has the whole file to itself.
#[derive(Debug)]
pub(super) struct SqliteTx {
    pool: Arc<Pool>,
    catalogue: Arc<Catalogue>,
    org: Uuid,
    held: Held,
}

impl SqliteTx {
    pub(super) fn new(pool: Arc<Pool>, catalogue: Arc<Catalogue>, org: Uuid, held: Held) -> Self {
        Self {
            pool,
            catalogue,
            org,
            held,
        }
    }

    /// Reads with the connection that this transaction reads with.
    async fn read(
        &mut self,
        long: bool,
        several: bool,
        table: &'static Table,
        work: impl FnOnce(&Connection, &Statements) -> Result<(), Fault> + Send,
    ) -> Result<()> {
        let statements = self.catalogue.of(table);
        let once;
        let connection = match &self.held {
            Held::Write(writer) => writer.connection()?,
            Held::Snapshot(reader) => reader.connection()?,
            Held::Nothing => {
                once = self.pool.reader().await?;
                if several {
                    once.hold()?;
                }
                once.connection()?
            }
        };
        step_aside(long, || work(connection, &statements)).map_err(|e| self.pool.target.error(e))
    }

    /// Writes within this transaction or, where each call stands alone, within one of its own.
    async fn write<T>(
        &mut self,
        rows: usize,
        table: &'static Table,
        work: impl FnOnce(&Connection, &Statements) -> Result<T, Fault> + Send,
    ) -> Result<T> {
        let statements = self.catalogue.of(table);
        let target = &self.pool.target;
        match &mut self.held {
            Held::Write(writer) => {
                writer.expect(rows);
                let connection = writer.connection()?;
                let done = step_aside(rows > SHORT, || work(connection, &statements));
                // Some rows of the call may be saved; a savepoint would copy each page that they change.
                if done.is_err() {
                    writer.undo();
                }
                done.map_err(|e| target.error(e))
            }
            Held::Snapshot(_) => Err(Error::internal(format!(
                "{} is written in a transaction that only reads",
                table.name
            ))),
            Held::Nothing => {
                let mut writer = self.pool.writer().await?;
                writer.expect(rows);
                step_aside(true, || {
                    let done =
                        work(writer.connection()?, &statements).map_err(|e| target.error(e))?;
                    writer.commit()?;
                    Ok(done)
                })
            }
        }
    }
}

#[async_trait]
impl Tx for SqliteTx {
    async fn get(
        &mut self,
        table: &'static Table,
        keys: &[&[Cell<'_>]],
        _lock: Lock,
        to: &mut dyn RowTarget,
    ) -> Result<()> {
        let org = self.org;
        self.read(keys.len() > SHORT, keys.len() > 1, table, |c, s| {
            read::get(c, s, org, keys, to)
        })
        .await
    }

    async fn save(
        &mut self,
        table: &'static Table,
        rows: &dyn RowSource,
        rule: SaveRule,
    ) -> Result<Vec<Saved>> {
        let org = self.org;
        refuse_repeats(table, rows)?;
        self.write(rows.len(), table, |c, s| write::save(c, s, org, rows, rule))
            .await
    }

    async fn insert_later(&mut self, table: &'static Table, rows: &dyn RowSource) -> Result<()> {
        let org = self.org;
        self.write(rows.len(), table, |c, s| {
            let saved = write::save(c, s, org, rows, SaveRule::Insert)?;
            if saved.iter().any(|saved| *saved != Saved::Inserted) {
                return Err(not_new(table).into());
            }
            Ok(())
        })
        .await
    }

    async fn list(
        &mut self,
        table: &'static Table,
        query: &Query<'_>,
        to: &mut dyn RowTarget,
    ) -> Result<()> {
        let org = self.org;
        let long = query.limit.is_none_or(|limit| limit > SHORT_LIST);
        self.read(long, false, table, |c, s| read::list(c, s, org, query, to))
            .await
    }

    async fn list_with(
        &mut self,
        table: &'static Table,
        query: &Query<'_>,
        to: &mut dyn RowTarget,
        related: &Related,
        of_them: &mut dyn RowTarget,
    ) -> Result<()> {
        let org = self.org;
        let long = query.limit.is_none_or(|limit| limit > SHORT_LIST);
        let others = self.catalogue.of(related.table);
        self.read(long, true, table, |c, s| {
            let mut named = Named::new(table, related.names, to);
            read::list(c, s, org, query, &mut named)?;
            let query = Query::filter(Filter::In(related.column, named.ids));
            read::list(c, &others, org, &query, of_them)
        })
        .await
    }

    async fn count(&mut self, table: &'static Table, count: &Count<'_>) -> Result<Vec<Group>> {
        let org = self.org;
        let mut groups = Vec::new();
        self.read(true, false, table, |c, s| {
            groups = read::count(c, s, org, count)?;
            Ok(())
        })
        .await?;
        Ok(groups)
    }

    async fn delete(&mut self, table: &'static Table, keys: &[&[Cell<'_>]]) -> Result<u64> {
        let org = self.org;
        self.write(keys.len(), table, |c, s| write::delete(c, s, org, keys))
            .await
    }

    fn others_wait(&self) -> bool {
        matches!(&self.held, Held::Write(writer) if writer.others_wait())
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        match self.held {
            Held::Write(writer) => step_aside(true, || writer.commit()),
            Held::Snapshot(_) | Held::Nothing => Ok(()),
        }
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        // Dropping it does.
        Ok(())
    }
}
