//! A transaction of one organization on a PostgreSQL store.

use super::ahead::Writer;
use super::calls::{Read, Write, Written, others_wait};
use super::counters::Count;
use super::errors::Fault;
use super::pool::{Begin, Pool};
use super::read::{self, Counted};
use super::session::Session;
use super::settle::Trace;
use super::turns::{Turn, key_of};
use super::whole::Whole;
use super::write::{self, Later};
use super::writing::{ended, not_begun};
use crate::keys::refuse_repeats;
use crate::sql::{Catalogue, Statements};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use cmms_core::ports::count;
use cmms_core::ports::store::{Lock, Query, Related, SaveRule, Saved, Tx};
use cmms_core::record::{Cell, RowSource, RowTarget, Rows, Table};
use cmms_core::{Error, Result};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// A transaction that goes on for longer asks now and then whether writers of other processes wait.
const OFTEN: Duration = Duration::from_millis(40);

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
    pub(super) pool: Arc<Pool>,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) org: Uuid,
    pub(super) held: Held,
    /// Whether a writer of another process waited when it was last asked.
    pub(super) others: bool,
    /// When that was.
    pub(super) asked: Instant,
    /// A write failed, or nobody waited for its end: it may be done by half, so nothing of the transaction is stored.
    ended: bool,
    pub(super) trace: Trace,
    /// Rows that are inserted before the next statement, or with the commit.
    pub(super) later: Vec<Later>,
    /// What was counted to.
    pub(super) count: Option<Count>,
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
        let session = self.begin(org, Begin::Write).await?;
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
            asked: Instant::now(),
            ended: false,
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
        let begun = self.pool.begin(self.org, Begin::Write).await;
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
    pub(super) async fn upsert_one(
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

    /// Refuses what comes after a write that failed or was dropped.
    fn lasts(&self) -> Result<()> {
        if self.ended {
            return Err(ended());
        }
        Ok(())
    }

    /// Begins a write: [`wrote`](Self::wrote) says how it ended, and if nobody does the transaction has.
    fn writes(&mut self) -> Result<()> {
        self.lasts()?;
        self.ended = matches!(self.held, Held::Write(..) | Held::Add(..));
        Ok(())
    }

    fn wrote<T>(&mut self, done: Result<T>) -> Result<T> {
        if done.is_ok() {
            self.ended = false;
        }
        done
    }

    /// Waits for what is under way, and inserts what was put off. Where that fails some of it is lost, and so the
    /// transaction is.
    pub(super) async fn catch_up(&mut self) -> Result<()> {
        self.finish().await?;
        if self.asked.elapsed() < OFTEN {
            return Ok(());
        }
        let asked = self.ask().await;
        if asked.is_err() {
            self.lose();
        }
        asked
    }

    /// So, where the end of the transaction comes next.
    async fn finish(&mut self) -> Result<()> {
        let done = self.insert_put_off().await;
        if done.is_err() {
            self.lose();
        }
        done
    }

    /// Asks whether a writer of another process waits.
    async fn ask(&mut self) -> Result<()> {
        let key = key_of(self.org, &self.pool.schema).waiting();
        let place = &self.pool.place;
        if let Held::Write(writer, _) = &mut self.held {
            let session = writer.session().map_err(|e| place.error(e))?;
            let told = others_wait(session.enter()?, key).await;
            session.left(&told);
            self.others = told.map_err(|e| place.error(e))?;
            self.asked = Instant::now();
        }
        Ok(())
    }

    async fn insert_put_off(&mut self) -> Result<()> {
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
            if let Some(others) = told {
                self.others = others;
                self.asked = Instant::now();
            }
        }
        Ok(())
    }

    async fn read(
        &mut self,
        what: Read<'_, '_>,
        table: &'static Table,
        to: &mut dyn RowTarget,
    ) -> Result<()> {
        self.lasts()?;
        self.read_rows(what, table, to).await
    }

    pub(super) async fn read_rows(
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
        self.writes()?;
        let done = self.save_rows(table, rows, rule).await;
        self.wrote(done)
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
        if rows.len() > 1 {
            refuse_repeats(table, rows)?;
        }
        self.writes()?;
        let done = self.count_or_save(table, rows, to).await;
        self.wrote(done)
    }

    async fn insert_later(&mut self, table: &'static Table, rows: &dyn RowSource) -> Result<()> {
        self.writes()?;
        let done = self.put_off(table, rows).await;
        self.wrote(done)
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
        self.writes()?;
        let done = match self.write(Write::Delete(keys), table).await {
            Ok(Written::Deleted(count)) => Ok(count),
            Ok(Written::Saved(_)) => Err(Error::internal("a delete saved")),
            Err(e) => Err(e),
        };
        self.wrote(done)
    }

    async fn time(&mut self) -> Result<Option<DateTime<Utc>>> {
        self.lasts()?;
        self.catch_up().await?;
        let place = &self.pool.place;
        let mut alone;
        let session = match &mut self.held {
            Held::Snapshot(session) => session,
            Held::Write(writer, _) => writer.session().map_err(|e| place.error(e))?,
            Held::Nothing | Held::Add(..) => {
                alone = self.pool.live().await.map_err(|e| place.error(e))?;
                &mut alone
            }
        };
        let now = read::time(session.enter()?.connection()).await;
        session.left(&now);
        now.map(Some).map_err(|e| place.error(e))
    }

    fn others_wait(&self) -> bool {
        match &self.held {
            Held::Write(_, turn) => self.others || turn.others_wait(),
            Held::Add(turn, _) => turn.others_wait(),
            Held::Snapshot(_) | Held::Nothing => false,
        }
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        self.lasts()?;
        if !matches!(self.held, Held::Add(..)) {
            self.finish().await?;
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
                    // The server ended the transaction before it heard of the commit.
                    Err(fault) if fault.state() == Some("25P03") => Err(pool.place.error(fault)),
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
