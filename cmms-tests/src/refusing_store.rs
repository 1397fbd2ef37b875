//! A store that refuses rows for a reason of its own, as a database may.

use async_trait::async_trait;
use cmms::core::context::Scope;
use cmms::core::ids::OrgId;
use cmms::core::ports::store::{
    Lock, Migrated, Organization, Query, Related, SaveRule, Saved, Store, StoreHealth, StoreInfo,
    Tx, TxMode,
};
use cmms::core::record::{Cell, Row, RowSource, RowTarget, Table};
use cmms::{Error, Result, code};
use std::sync::Arc;

/// What it refuses: rows of `table` with a text that begins so. Its transactions are lost then.
#[derive(Debug)]
pub struct RefusingStore {
    store: Arc<dyn Store>,
    table: &'static str,
    word: &'static str,
}

impl RefusingStore {
    /// One over another store.
    pub fn new(store: Arc<dyn Store>, table: &'static str, word: &'static str) -> Self {
        Self { store, table, word }
    }
}

struct RefusingTx {
    tx: Box<dyn Tx>,
    table: &'static str,
    word: &'static str,
    is_lost: bool,
}

impl RefusingTx {
    fn check(&mut self, table: &Table, rows: &dyn RowSource) -> Result<()> {
        let refused = |cell: &Cell<'_>| matches!(cell, Cell::Text(t) if t.starts_with(self.word));
        let has_refused = (0..rows.len()).any(|i| {
            let row = Row::of_source(rows, i);
            table.name == self.table && row.0.iter().any(refused)
        });
        self.is_lost |= has_refused;
        match self.is_lost {
            true => Err(Error::new(code::STORE_VALUE, "it is a bad word")),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Store for RefusingStore {
    fn info(&self) -> StoreInfo {
        self.store.info()
    }
    async fn begin(&self, scope: &Scope, mode: TxMode) -> Result<Box<dyn Tx>> {
        Ok(Box::new(RefusingTx {
            tx: self.store.begin(scope, mode).await?,
            table: self.table,
            word: self.word,
            is_lost: false,
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
impl Tx for RefusingTx {
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
        self.check(table, rows)?;
        self.tx.save(table, rows, rule).await
    }
    async fn insert_later(&mut self, table: &'static Table, rows: &dyn RowSource) -> Result<()> {
        // Told with the commit, as by a store that is far away.
        if self.check(table, rows).is_ok() {
            self.tx.insert_later(table, rows).await?;
        }
        Ok(())
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
        self.tx.others_wait()
    }
    async fn commit(self: Box<Self>) -> Result<()> {
        match self.is_lost {
            true => Err(Error::new(code::STORE_VALUE, "it is a bad word")),
            false => self.tx.commit().await,
        }
    }
    async fn rollback(self: Box<Self>) -> Result<()> {
        self.tx.rollback().await
    }
}
