//! A transaction of one organization on a PostgreSQL store.

use super::ahead::Writer;
use super::bind;
use super::errors::Fault;
use super::pool::{Begin, Pool};
use super::read::{self, Counted};
use super::session::{Kept, Session};
use super::settle::Trace;
use super::turns::{Turn, key_of};
use super::write::{self, Later};
use crate::keys::refuse_repeats;
use crate::sql::{Catalogue, Statements};
use async_trait::async_trait;
use cmms_core::ports::store::{Lock, Query, Related, SaveRule, Saved, Tx, not_new};
use cmms_core::record::{Cell, Row, RowSource, RowTarget, Table};
use cmms_core::{Error, Result};
use sqlx::{AssertSqlSafe, Row as _};
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
        }
    }

    /// Waits for what is under way, and inserts what was put off.
    async fn catch_up(&mut self) -> Result<()> {
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

/// What is read.
enum Read<'r, 'c> {
    Keys(&'r [&'r [Cell<'c>]], Lock),
    Query(&'r Query<'c>),
    With(
        &'r Query<'c>,
        &'r Related,
        Arc<Statements>,
        &'r mut dyn RowTarget,
    ),
}

impl Read<'_, '_> {
    fn lock(&self) -> Lock {
        match self {
            Self::Keys(_, lock) => *lock,
            Self::Query(query) => query.lock,
            Self::With(..) => Lock::None,
        }
    }

    async fn on(
        &mut self,
        session: &mut Session,
        statements: &Statements,
        org: Uuid,
        lock: Lock,
        to: &mut Counted<'_>,
    ) -> Result<(), Fault> {
        let connection = session.enter()?.connection();
        let done = match self {
            Self::Keys(keys, _) => read::get(connection, statements, org, keys, lock, to).await,
            Self::Query(query) => read::list(connection, statements, org, query, lock, to).await,
            Self::With(query, related, others, of_them) => {
                let both = read::Both {
                    statements,
                    others,
                    query,
                    related,
                };
                read::list_with(connection, org, both, to, &mut **of_them).await
            }
        };
        session.left(&done);
        done
    }
}

/// What is written.
enum Write<'w, 'c> {
    Save(&'w dyn RowSource, SaveRule),
    Delete(&'w [&'w [Cell<'c>]]),
}

/// How a write ended.
enum Written {
    Saved(Vec<Saved>),
    Deleted(u64),
}

impl Write<'_, '_> {
    fn rows(&self) -> usize {
        match self {
            Self::Save(rows, _) => rows.len(),
            Self::Delete(keys) => keys.len(),
        }
    }

    async fn on(
        &self,
        kept: &mut Kept,
        statements: &Statements,
        org: Uuid,
    ) -> Result<Written, Fault> {
        Ok(match self {
            Self::Save(rows, rule) => {
                Written::Saved(write::save(kept, statements, org, *rows, *rule).await?)
            }
            Self::Delete(keys) => {
                Written::Deleted(write::delete(kept, statements, org, keys).await?)
            }
        })
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

/// Whether a writer of another process waits: it holds the waiting lock, too.
async fn others_wait(kept: &mut Kept, key: i64) -> Result<bool, Fault> {
    let sql = format!(
        "SELECT CASE WHEN pg_try_advisory_lock({key}) THEN NOT pg_advisory_unlock({key}) ELSE TRUE END"
    );
    let row = sqlx::query(AssertSqlSafe(sql))
        .fetch_one(kept.connection())
        .await?;
    Ok(row.try_get(0)?)
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
        let statements = self.catalogue.of(table);
        let alone = rows.len() == 1 && !statements.has_unique();
        if let (true, Held::Write(..)) = (alone, &self.held) {
            self.catch_up().await?;
            if let Held::Write(writer, _) = &mut self.held {
                let session = writer.session().map_err(|e| self.pool.place.error(e))?;
                let kept = session.enter()?;
                let done = write::upsert_and_get(kept, &statements, self.org, rows, to).await;
                session.left(&done);
                return done
                    .map(|saved| vec![saved])
                    .map_err(|e| self.pool.place.error(e));
            }
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
            (Held::Write(..), 0) => return Ok(()),
            (Held::Write(..), 1) => {
                let row = Row::of_source(rows, 0);
                bind::check_row(table, &row)?;
                self.trace.put_off(table, rows);
                self.later.push(Later { table, row });
                return Ok(());
            }
            (Held::Write(..), _) => return self.send(table, rows).await,
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

    async fn delete(&mut self, table: &'static Table, keys: &[&[Cell<'_>]]) -> Result<u64> {
        match self.write(Write::Delete(keys), table).await? {
            Written::Deleted(count) => Ok(count),
            Written::Saved(_) => Err(Error::internal("a delete saved")),
        }
    }

    fn others_wait(&self) -> bool {
        matches!(&self.held, Held::Write(_, turn) if self.others || turn.others_wait())
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        self.catch_up().await?;
        let Self {
            pool,
            catalogue,
            org,
            held,
            trace,
            ..
        } = *self;
        match held {
            Held::Write(mut writer, turn) => {
                let session = writer.session().map_err(|e| pool.place.error(e))?;
                let kept = session.enter()?;
                let done = kept.run("COMMIT".to_owned()).await;
                session.left(&done);
                match done {
                    Ok(()) => {
                        session.committed();
                        Ok(())
                    }
                    // The answer is lost, and nobody but the database knows it.
                    Err(fault) if fault.is_cut() => {
                        drop((writer, turn));
                        trace.settle(&pool, &catalogue, org, fault).await
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
