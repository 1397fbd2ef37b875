//! A store that takes its time for each row, by a stepped clock, as a database far away or on a slow disk does.

use async_trait::async_trait;
use cmms::Result;
use cmms::core::context::Scope;
use cmms::core::ids::OrgId;
use cmms::core::ports::store::{
    Lock, Migrated, Organization, Query, Related, SaveRule, Saved, Store, StoreHealth, StoreInfo,
    Tx, TxMode,
};
use cmms::core::record::{Cell, RowSource, RowTarget, Table};
use cmms::core::testing::SteppedClock;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a row of a table takes, by its place among all that were written.
pub type Time = fn(usize) -> Duration;

/// A store over another one.
#[derive(Debug)]
pub struct SlowStore {
    store: Arc<dyn Store>,
    of: Arc<Slow>,
}

/// What the transactions share.
#[derive(Debug)]
struct Slow {
    table: &'static str,
    time: Time,
    clock: Arc<SteppedClock>,
    /// The rows of each call that wrote some of the table.
    calls: Mutex<Vec<usize>>,
}

impl SlowStore {
    /// One that is slow with the rows of this table, and whose transactions always hear that others wait.
    pub fn new(
        store: Arc<dyn Store>,
        clock: &Arc<SteppedClock>,
        table: &'static str,
        time: Time,
    ) -> Self {
        let clock = Arc::clone(clock);
        let of = Slow {
            table,
            time,
            clock,
            calls: Mutex::default(),
        };
        Self {
            store,
            of: Arc::new(of),
        }
    }

    /// The rows of each call that wrote some of the table, in order.
    pub fn calls(&self) -> Vec<usize> {
        self.of.lock().clone()
    }
}

impl Slow {
    fn lock(&self) -> MutexGuard<'_, Vec<usize>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, table: &Table, rows: usize) {
        if table.name != self.table || rows == 0 {
            return;
        }
        let mut calls = self.lock();
        let before: usize = calls.iter().sum();
        let time = (before..before + rows).map(self.time).sum();
        calls.push(rows);
        self.clock.advance(time);
    }
}

struct SlowTx {
    tx: Box<dyn Tx>,
    of: Arc<Slow>,
}

#[async_trait]
impl Store for SlowStore {
    fn info(&self) -> StoreInfo {
        self.store.info()
    }
    async fn begin(&self, scope: &Scope, mode: TxMode) -> Result<Box<dyn Tx>> {
        Ok(Box::new(SlowTx {
            tx: self.store.begin(scope, mode).await?,
            of: Arc::clone(&self.of),
        }))
    }
    async fn organization(
        &self,
        name: &str,
        new: OrgId,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<OrgId> {
        self.store.organization(name, new, now).await
    }
    async fn organizations(&self) -> Result<Vec<Organization>> {
        self.store.organizations().await
    }
    async fn migrate(&self) -> Result<Migrated> {
        self.store.migrate().await
    }
    async fn health(&self) -> Result<StoreHealth> {
        self.store.health().await
    }
}

#[async_trait]
impl Tx for SlowTx {
    async fn get(
        &mut self,
        table: &'static Table,
        keys: &[&[Cell<'_>]],
        lock: Lock,
        to: &mut dyn RowTarget,
    ) -> Result<()> {
        self.tx.get(table, keys, lock, to).await
    }
    async fn save(
        &mut self,
        table: &'static Table,
        rows: &dyn RowSource,
        rule: SaveRule,
    ) -> Result<Vec<Saved>> {
        self.of.write(table, rows.len());
        self.tx.save(table, rows, rule).await
    }
    async fn insert_later(&mut self, table: &'static Table, rows: &dyn RowSource) -> Result<()> {
        self.of.write(table, rows.len());
        self.tx.insert_later(table, rows).await
    }
    async fn list(
        &mut self,
        table: &'static Table,
        query: &Query<'_>,
        to: &mut dyn RowTarget,
    ) -> Result<()> {
        self.tx.list(table, query, to).await
    }
    async fn list_with(
        &mut self,
        table: &'static Table,
        query: &Query<'_>,
        to: &mut dyn RowTarget,
        related: &Related,
        of_them: &mut dyn RowTarget,
    ) -> Result<()> {
        self.tx.list_with(table, query, to, related, of_them).await
    }
    async fn delete(&mut self, table: &'static Table, keys: &[&[Cell<'_>]]) -> Result<u64> {
        self.tx.delete(table, keys).await
    }
    fn others_wait(&self) -> bool {
        true
    }
    async fn commit(self: Box<Self>) -> Result<()> {
        self.tx.commit().await
    }
    async fn rollback(self: Box<Self>) -> Result<()> {
        self.tx.rollback().await
    }
}
