//! The store in memory: for tests, trials and as the oracle that other stores are compared with.
//!
//! The whole state is a persistent map: a snapshot is a copy of its root, a write works on a copy and
//! publishes it at its commit. What the port leaves open is decided here:
//!
//! - A write waits for the writer before it without a limit of time.
//! - Rows of a call are taken in order; each sees what those before it did.
//! - Only an upsert looks at the digest; an update of a table without a version takes every stored row.
//! - A stale update is `Stale` even where it would also clash with a unique key.
//! - A read that fails leaves its transaction usable.

mod layout;
mod query;
mod state;

use crate::context::Scope;
use crate::ids::OrgId;
use crate::ports::count::{Count, Group};
use crate::ports::store::{
    Filter, Lock, Migrated, Named, Organization, Query, Related, SaveRule, Saved, Store,
    StoreHealth, StoreInfo, Tx, TxMode, not_new,
};
use crate::record::{Cell, RowSource, RowTarget, Table};
use crate::{Error, Result};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use layout::Layout;
use state::State;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// The schema that it has from the start.
const SCHEMA: u32 = 1;

/// A database in memory; it ends with its last copy. Copies share their data.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    published: Mutex<State>,
    writer: Arc<tokio::sync::Mutex<()>>,
    /// Writers that wait for their turn.
    waiting: AtomicUsize,
}

/// A place among those that wait, also for those who give up.
struct Place<'w>(&'w AtomicUsize);

impl<'w> Place<'w> {
    fn among(waiting: &'w AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    fn state(&self) -> State {
        // A state is replaced whole, so that one behind a poisoned lock is still a good one.
        self.published
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn publish(&self, state: State) {
        *self
            .published
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = state;
    }

    async fn write(&self) -> OwnedMutexGuard<()> {
        let _place = Place::among(&self.waiting);
        Arc::clone(&self.writer).lock_owned().await
    }
}

impl MemoryStore {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn info(&self) -> StoreInfo {
        StoreInfo {
            engine: "memory",
            location: "this process".to_owned(),
            shared: false,
        }
    }

    async fn begin(&self, scope: &Scope, mode: TxMode) -> Result<Box<dyn Tx>> {
        let view = match mode {
            TxMode::Once => View::Once,
            TxMode::Snapshot => View::Snapshot(self.shared.state()),
            TxMode::Write | TxMode::Add => {
                let guard = self.shared.write().await;
                View::Write(self.shared.state(), guard)
            }
        };
        Ok(Box::new(MemoryTx {
            shared: Arc::clone(&self.shared),
            org: scope.org(),
            view,
        }))
    }

    async fn organization(&self, name: &str, new: OrgId, now: DateTime<Utc>) -> Result<OrgId> {
        if let Some(org) = self.shared.state().organization(name) {
            return Ok(org);
        }
        let _guard = self.shared.write().await;
        let mut state = self.shared.state();
        let org = state.make_organization(name, new, now);
        self.shared.publish(state);
        Ok(org)
    }

    async fn organizations(&self) -> Result<Vec<Organization>> {
        Ok(self.shared.state().organizations())
    }

    async fn migrate(&self) -> Result<Migrated> {
        Ok(Migrated {
            from: SCHEMA,
            to: SCHEMA,
        })
    }

    async fn health(&self) -> Result<StoreHealth> {
        Ok(StoreHealth { schema: SCHEMA })
    }
}

/// What a transaction sees.
enum View {
    /// At each call what is published then.
    Once,
    /// What was published at its begin.
    Snapshot(State),
    /// A copy of its own, while no other writer works.
    Write(State, OwnedMutexGuard<()>),
    /// Nothing any more: a write failed.
    Ended,
}

struct MemoryTx {
    shared: Arc<Shared>,
    org: OrgId,
    view: View,
}

impl MemoryTx {
    fn state(&self) -> Result<State> {
        match &self.view {
            View::Once => Ok(self.shared.state()),
            View::Snapshot(state) | View::Write(state, _) => Ok(state.clone()),
            View::Ended => Err(ended()),
        }
    }

    async fn change<T>(
        &mut self,
        change: impl FnOnce(&mut State, OrgId) -> Result<T>,
    ) -> Result<T> {
        match &mut self.view {
            View::Once => {
                let _guard = self.shared.write().await;
                let mut state = self.shared.state();
                let answer = change(&mut state, self.org)?;
                self.shared.publish(state);
                Ok(answer)
            }
            View::Snapshot(_) => Err(Error::internal("a snapshot cannot be written")),
            View::Write(state, _) => {
                let done = change(state, self.org);
                if done.is_err() {
                    self.view = View::Ended;
                }
                done
            }
            View::Ended => Err(ended()),
        }
    }
}

fn ended() -> Error {
    Error::internal("the transaction has ended with an earlier failure; nothing of it was stored")
}

#[async_trait]
impl Tx for MemoryTx {
    async fn get(
        &mut self,
        table: &'static Table,
        keys: &[&[Cell<'_>]],
        _lock: Lock,
        to: &mut dyn RowTarget,
    ) -> Result<()> {
        let layout = Layout::of(table)?;
        for row in self.state()?.get(self.org, &layout, keys)? {
            layout.give(&row, to)?;
        }
        Ok(())
    }

    async fn save(
        &mut self,
        table: &'static Table,
        rows: &dyn RowSource,
        rule: SaveRule,
    ) -> Result<Vec<Saved>> {
        let layout = Layout::of(table)?;
        layout.refuse_repeats(rows)?;
        self.change(|state, org| state.save(org, &layout, layout.rows(rows)?, rule))
            .await
    }

    async fn insert_later(&mut self, table: &'static Table, rows: &dyn RowSource) -> Result<()> {
        let layout = Layout::of(table)?;
        self.change(|state, org| {
            let saved = state.save(org, &layout, layout.rows(rows)?, SaveRule::Insert)?;
            if saved.iter().any(|saved| *saved != Saved::Inserted) {
                return Err(not_new(table));
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
        let layout = Layout::of(table)?;
        for row in self.state()?.list(self.org, &layout, query)? {
            layout.give(&row, to)?;
            if !to.takes_more() {
                break;
            }
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
        let state = self.state()?;
        let layout = Layout::of(table)?;
        let mut named = Named::new(table, related.names, to);
        for row in state.list(self.org, &layout, query)? {
            layout.give(&row, &mut named)?;
            if !named.takes_more() {
                break;
            }
        }
        let query = Query::filter(Filter::In(related.column, named.ids));
        let layout = Layout::of(related.table)?;
        for row in state.list(self.org, &layout, &query)? {
            layout.give(&row, of_them)?;
        }
        Ok(())
    }

    async fn count(&mut self, table: &'static Table, count: &Count<'_>) -> Result<Vec<Group>> {
        let layout = Layout::of(table)?;
        self.state()?.count(self.org, &layout, count)
    }

    async fn delete(&mut self, table: &'static Table, keys: &[&[Cell<'_>]]) -> Result<u64> {
        let layout = Layout::of(table)?;
        self.change(|state, org| state.delete(org, &layout, keys))
            .await
    }

    fn others_wait(&self) -> bool {
        matches!(self.view, View::Write(..)) && self.shared.waiting.load(Ordering::Relaxed) > 0
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        let Self { shared, view, .. } = *self;
        match view {
            View::Write(state, _guard) => shared.publish(state),
            View::Once | View::Snapshot(_) => {}
            View::Ended => return Err(ended()),
        }
        Ok(())
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
