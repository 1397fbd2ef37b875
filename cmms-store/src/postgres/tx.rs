//! A transaction of one organization on a PostgreSQL store.

use super::ahead::Writer;
use super::bind;
use super::calls::{Read, Write, Written, others_wait};
use super::counters::{Count, counting};
use super::errors::Fault;
use super::pool::{Begin, Pool};
use super::read::Counted;
use super::session::Session;
use super::settle::Trace;
use super::turns::{Turn, key_of};
use super::whole::Whole;
use super::write::{self, Later};
use crate::keys::refuse_repeats;
use crate::sql::{Catalogue, Statements};
use async_trait::async_trait;
use cmms_core::ports::count;
use cmms_core::ports::store::{Lock, Query, Related, SaveRule, Saved, Tx, not_new};
use cmms_core::record::{Cell, Row, RowSource, RowTarget, Rows, Table};
use cmms_core::{Error, Result};
use std::sync::Arc;
use uuid::Uuid;

/// After a call with so many rows it is asked whether writers of other processes wait.
const LONG: usize = 200;

/// What a transaction holds from its beginning to its end.
#[derive(Debug)]
pub(super) enum Held {
    /// Nothing: each call stands alone.
    Nothing,
    /// A state for all reads.
    Snapshot(Session),
    /// The organization's writer.
    Write(Writer, Turn),
    /// The writer's turn, with nothing begun and perhaps a count: what is put off goes with the commit.
    Add(Turn, Option<Count>),
}

/// A transaction.
#[derive(Debug)]
pub(super) struct PgTx {
    pool: Arc<Pool>,
    catalogue: Arc<Catalogue>,
    org: Uuid,
    held: Held,
    /// Whether a writer of another process waited when it was last asked.
    others: bool,
    trace: Trace,
    /// Rows that are inserted before the next statement, or with the commit.
    later: Vec<Later>,
    /// What was counted to.
    count: Option<Count>,
}

impl Pool {
    /// Begins as the organization's only writer.
    pub(super) async fn hold_write(self: &Arc<Self>, org: Uuid) -> Result<Held, Fault> {
        let (session, turn) = self.writer(org).await?;
        Ok(Held::Write(Writer::Here(session), turn))
    }

    /// So, or not yet, where this process was the only one to count lately. On a lent connection it always begins: role
    /// and organization are set within the transaction there.
    pub(super) async fn hold_add(self: &Arc<Self>, org: Uuid) -> Result<Held, Fault> {
        let turn = self.turn(org).await?;
        if !self.is_lent() && self.counters.alone(org) && self.is_warm() {
            return Ok(Held::Add(turn, None));
        }
        let session = self.begin_writing(org).await?;
        Ok(Held::Write(Writer::Here(session), turn))
    }
}

impl PgTx {
    pub(super) fn new(pool: Arc<Pool>, catalogue: Arc<Catalogue>, org: Uuid, held: Held) -> Self {
        Self {
            pool,
            catalogue,
            org,
            held,
            others: false,
            trace: Trace::default(),
            later: Vec::new(),
            count: None,
        }
    }

    /// Begins what was put off to begin: something has to be answered.
    async fn open(&mut self) -> Result<()> {
        if !matches!(self.held, Held::Add(..)) {
            return Ok(());
        }
        let begun = self.pool.begin_writing(self.org).await;
        let Held::Add(turn, count) = std::mem::replace(&mut self.held, Held::Nothing) else {
            return Ok(());
        };
        // A transaction that did not begin is one that has ended: nothing of it is stored by a later call.
        self.held = Held::Write(Writer::Lost, turn);
        let session = begun.map_err(|e| self.pool.place.error(e))?;
        self.put_back(session);
        let Some(count) = count else {
            return Ok(());
        };
        let done = self.count_on(count).await;
        if done.is_err() {
            self.lose();
        }
        done
    }

    fn put_back(&mut self, session: Session) {
        if let Held::Write(writer, _) = &mut self.held {
            *writer = Writer::Here(session);
        }
    }

    /// Ends it, with nothing stored.
    fn lose(&mut self) {
        if let Held::Write(writer, _) = &mut self.held {
            *writer = Writer::Lost;
        }
    }

    /// Counts as it was foreseen, and fails where it comes to something else.
    async fn count_on(&mut self, foreseen: Count) -> Result<()> {
        let statements = self.catalogue.of(foreseen.table);
        let mut rows = Rows::of_width(foreseen.table.columns.len());
        self.upsert_one(&statements, &foreseen.to_add(), &mut rows)
            .await?;
        if rows.rows == [foreseen.stored()] {
            self.count = Some(foreseen);
            return Ok(());
        }
        self.pool.counters.missed(self.org);
        Err(self.pool.place.conflict())
    }

    /// Saves a row by an upsert and reads it as it is then.
    async fn upsert_one(
        &mut self,
        statements: &Statements,
        row: &dyn RowSource,
        to: &mut dyn RowTarget,
    ) -> Result<Saved> {
        let Held::Write(writer, _) = &mut self.held else {
            return Err(Error::internal("a row is written without a transaction"));
        };
        let session = writer.session().map_err(|e| self.pool.place.error(e))?;
        let kept = session.enter()?;
        let done = write::upsert_and_get(kept, statements, self.org, row, to).await;
        session.left(&done);
        done.map_err(|e| self.pool.place.error(e))
    }

    /// Waits for what is under way, and inserts what was put off.
    async fn catch_up(&mut self) -> Result<()> {
        self.open().await?;
        self.settle_down().await?;
        if self.later.is_empty() {
            return Ok(());
        }
        let later = std::mem::take(&mut self.later);
        let (dialect, org) = (self.catalogue.dialect(), self.org);
        let done = match &mut self.held {
            Held::Write(writer, _) => match writer.session() {
                Ok(session) => {
                    let kept = session.enter()?;
                    let done = write::insert_each(kept, dialect, org, &later).await;
                    session.left(&done);
                    done
                }
                Err(fault) => Err(fault),
            },
            _ => Err(Error::internal("rows were put off outside of a transaction").into()),
        };
        done.map_err(|e| self.pool.place.error(e))
    }

    /// Waits for the rows that are under way.
    async fn settle_down(&mut self) -> Result<()> {
        if let Held::Write(writer, _) = &mut self.held {
            let told = writer.back().await.map_err(|e| self.pool.place.error(e))?;
            self.others = told.unwrap_or(self.others);
        }
        Ok(())
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

    async fn read(
        &mut self,
        mut what: Read<'_, '_>,
        table: &'static Table,
        to: &mut dyn RowTarget,
    ) -> Result<()> {
        self.catch_up().await?;
        let statements = self.catalogue.of(table);
        let mut to = Counted { to, any: false };
        let (pool, org) = (&self.pool, self.org);
        let done = match &mut self.held {
            Held::Snapshot(session) => {
                what.on(session, &statements, org, Lock::None, &mut to)
                    .await
            }
            Held::Write(writer, _) => match writer.session() {
                Ok(session) => {
                    what.on(session, &statements, org, what.lock(), &mut to)
                        .await
                }
                Err(fault) => Err(fault),
            },
            Held::Add(..) => Err(not_begun().into()),
            Held::Nothing => loop {
                let begun = pool.begin(org, Begin::Read).await;
                let mut session = begun.map_err(|e| pool.place.error(e))?;
                let is_used = session.is_used;
                match what
                    .on(&mut session, &statements, org, Lock::None, &mut to)
                    .await
                {
                    // The server has gone and come back since: nothing was read yet.
                    Err(fault) if fault.is_cut() && is_used && !to.any => pool.forget(),
                    done => break done,
                }
            },
        };
        done.map_err(|e| self.pool.place.error(e))
    }
}

impl PgTx {
    /// Writes within this transaction or, where each call stands alone, within one of its own.
    async fn write(&mut self, what: Write<'_, '_>, table: &'static Table) -> Result<Written> {
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
                        Ok(others) => self.others = others,
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
            Held::Snapshot(_) => Err(Error::internal(format!(
                "{} is written in a transaction that only reads",
                table.name
            ))),
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
}

fn not_begun() -> Error {
    Error::internal("a transaction has not begun")
}

#[async_trait]
impl Tx for PgTx {
    async fn get(
        &mut self,
        table: &'static Table,
        keys: &[&[Cell<'_>]],
        lock: Lock,
        to: &mut dyn RowTarget,
    ) -> Result<()> {
        self.read(Read::Keys(keys, lock), table, to).await
    }

    async fn save(
        &mut self,
        table: &'static Table,
        rows: &dyn RowSource,
        rule: SaveRule,
    ) -> Result<Vec<Saved>> {
        refuse_repeats(table, rows)?;
        match self.write(Write::Save(rows, rule), table).await? {
            Written::Saved(saved) => Ok(saved),
            Written::Deleted(_) => Err(Error::internal("a save deleted")),
        }
    }

    async fn list(
        &mut self,
        table: &'static Table,
        query: &Query<'_>,
        to: &mut dyn RowTarget,
    ) -> Result<()> {
        self.read(Read::Query(query), table, to).await
    }

    async fn upsert_and_get(
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
        let saved = self.save(table, rows, SaveRule::Upsert).await?;
        let keys: Vec<Row> = (0..rows.len())
            .map(|i| Row::of_key(table, rows, i))
            .collect();
        let keys: Vec<&[Cell<'_>]> = keys.iter().map(|key| key.0.as_slice()).collect();
        self.get(table, &keys, Lock::None, to).await?;
        Ok(saved)
    }

    async fn insert_later(&mut self, table: &'static Table, rows: &dyn RowSource) -> Result<()> {
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
            _ => {}
        }
        let saved = self.save(table, rows, SaveRule::Insert).await?;
        if saved.iter().any(|s| *s != Saved::Inserted) {
            return Err(not_new(table));
        }
        Ok(())
    }

    async fn list_with(
        &mut self,
        table: &'static Table,
        query: &Query<'_>,
        to: &mut dyn RowTarget,
        related: &Related,
        of_them: &mut dyn RowTarget,
    ) -> Result<()> {
        let others = self.catalogue.of(related.table);
        let what = Read::With(query, related, others, of_them);
        self.read(what, table, to).await
    }

    async fn count(
        &mut self,
        table: &'static Table,
        count: &count::Count<'_>,
    ) -> Result<Vec<count::Group>> {
        let mut groups = Vec::new();
        let what = Read::Count(count, &mut groups);
        self.read(what, table, &mut Rows::of_width(0)).await?;
        Ok(groups)
    }

    async fn delete(&mut self, table: &'static Table, keys: &[&[Cell<'_>]]) -> Result<u64> {
        match self.write(Write::Delete(keys), table).await? {
            Written::Deleted(count) => Ok(count),
            Written::Saved(_) => Err(Error::internal("a delete saved")),
        }
    }

    fn others_wait(&self) -> bool {
        match &self.held {
            Held::Write(_, turn) => self.others || turn.others_wait(),
            Held::Add(turn, _) => turn.others_wait(),
            Held::Snapshot(_) | Held::Nothing => false,
        }
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        if !matches!(self.held, Held::Add(..)) {
            self.catch_up().await?;
        }
        let Self {
            pool,
            catalogue,
            org,
            held,
            trace,
            later,
            count,
            ..
        } = *self;
        match held {
            Held::Add(turn, foreseen) => {
                let whole = Whole {
                    org,
                    count: foreseen,
                    rows: later,
                };
                whole.commit(&pool, &catalogue, turn, trace).await
            }
            Held::Write(mut writer, turn) => {
                let session = writer.session().map_err(|e| pool.place.error(e))?;
                let kept = session.enter()?;
                let done = kept.run("COMMIT".to_owned()).await;
                session.left(&done);
                match done {
                    Ok(()) => {
                        session.committed();
                        if let Some(count) = count {
                            pool.counters.note(org, count);
                        }
                        Ok(())
                    }
                    // The answer is lost, and nobody but the database knows it.
                    Err(fault) if fault.is_cut() => {
                        drop((writer, turn));
                        trace.settle(&pool, &catalogue, org, fault, None).await
                    }
                    Err(fault) => Err(pool.place.error(fault)),
                }
            }
            Held::Snapshot(_) | Held::Nothing => Ok(()),
        }
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        // Dropping it does.
        Ok(())
    }
}
