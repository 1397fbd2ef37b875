//! Under a key, effect and answer are one commit: a store that fails there leaves neither, and counts prove it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use cmms::core::context::Scope;
use cmms::core::domain::idempotency::KeptAnswer;
use cmms::core::domain::work_order::WorkOrder;
use cmms::core::ids::OrgId;
use cmms::core::memory::MemoryStore;
use cmms::core::ports::repository::TxExt;
use cmms::core::ports::store::{
    Lock, Migrated, Organization, Query, SaveRule, Saved, Store, StoreHealth, StoreInfo, Tx, TxMode,
};
use cmms::core::record::{Cell, RowSource, RowTarget, Table};
use cmms::core::{Error, Result, code};
use cmms::{Client, Config, CreateWorkOrder};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A memory store that takes a while for each call, counts commits of writes and fails at the next one when told to.
#[derive(Debug, Default)]
struct Watched {
    inner: MemoryStore,
    watch: Arc<Watch>,
}

#[derive(Debug, Default)]
struct Watch {
    commits: AtomicUsize,
    fail: AtomicBool,
    /// So many commits still meet another writer.
    conflicts: AtomicUsize,
    /// How many transactions did not wait for other writers.
    hoped: AtomicUsize,
}

struct WatchedTx {
    inner: Box<dyn Tx>,
    /// Where it writes.
    watch: Option<Arc<Watch>>,
}

#[async_trait]
impl Store for Watched {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }
    async fn begin(&self, scope: &Scope, mode: TxMode) -> Result<Box<dyn Tx>> {
        if mode == TxMode::Add {
            self.watch.hoped.fetch_add(1, Ordering::SeqCst);
        }
        Ok(Box::new(WatchedTx {
            inner: self.inner.begin(scope, mode).await?,
            watch: matches!(mode, TxMode::Write | TxMode::Add).then(|| Arc::clone(&self.watch)),
        }))
    }
    async fn organization(&self, name: &str, new: OrgId, now: DateTime<Utc>) -> Result<OrgId> {
        self.inner.organization(name, new, now).await
    }
    async fn organizations(&self) -> Result<Vec<Organization>> {
        self.inner.organizations().await
    }
    async fn migrate(&self) -> Result<Migrated> {
        self.inner.migrate().await
    }
    async fn health(&self) -> Result<StoreHealth> {
        self.inner.health().await
    }
}

#[async_trait]
impl Tx for WatchedTx {
    async fn get(
        &mut self,
        table: &'static Table,
        keys: &[&[Cell<'_>]],
        lock: Lock,
        to: &mut dyn RowTarget,
    ) -> Result<()> {
        tokio::task::yield_now().await;
        self.inner.get(table, keys, lock, to).await
    }
    async fn save(
        &mut self,
        table: &'static Table,
        rows: &dyn RowSource,
        rule: SaveRule,
    ) -> Result<Vec<Saved>> {
        tokio::task::yield_now().await;
        self.inner.save(table, rows, rule).await
    }
    async fn insert_later(&mut self, table: &'static Table, rows: &dyn RowSource) -> Result<()> {
        tokio::task::yield_now().await;
        self.inner.insert_later(table, rows).await
    }
    async fn list(
        &mut self,
        table: &'static Table,
        query: &Query<'_>,
        to: &mut dyn RowTarget,
    ) -> Result<()> {
        tokio::task::yield_now().await;
        self.inner.list(table, query, to).await
    }
    async fn delete(&mut self, table: &'static Table, keys: &[&[Cell<'_>]]) -> Result<u64> {
        tokio::task::yield_now().await;
        self.inner.delete(table, keys).await
    }
    fn others_wait(&self) -> bool {
        self.inner.others_wait()
    }
    async fn commit(self: Box<Self>) -> Result<()> {
        if let Some(watch) = &self.watch {
            tokio::task::yield_now().await;
            watch.commits.fetch_add(1, Ordering::SeqCst);
            if watch.fail.swap(false, Ordering::SeqCst) {
                return Err(Error::new(code::STORE_FULL, "the disk is full"));
            }
        }
        if let Some(watch) = &self.watch
            && take_one(&watch.conflicts)
        {
            return Err(Error::new(code::STORE_CONFLICT, "another writer"));
        }
        self.inner.commit().await
    }
    async fn rollback(self: Box<Self>) -> Result<()> {
        self.inner.rollback().await
    }
}

fn take_one(of: &AtomicUsize) -> bool {
    of.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
        .is_ok()
}

/// How many work orders and kept answers there are.
async fn rows(client: &Client) -> (usize, usize) {
    let store = &client.app().store;
    let mut tx = store.begin(client.scope(), TxMode::Snapshot).await.unwrap();
    let orders = tx.of::<WorkOrder>().list(&Query::default()).await.unwrap();
    let kept = tx.of::<KeptAnswer>().list(&Query::default()).await.unwrap();
    (orders.len(), kept.len())
}

#[tokio::test]
async fn effect_and_answer_are_one_commit_or_none() {
    let store = Watched::default();
    let watch = Arc::clone(&store.watch);
    let config = Config::from_pairs([(
        "CMMS_MASTER_KEY",
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    )]);
    let opened = Client::builder(Arc::new(store))
        .config(config.unwrap())
        .build()
        .await
        .unwrap();
    let client = opened.with_idempotency_key("wish").unwrap();
    let wish = || CreateWorkOrder::new("Check pump");

    watch.fail.store(true, Ordering::SeqCst);
    let e = client.work_orders().create(wish()).await.unwrap_err();
    assert!(e.is(code::STORE_FULL), "{e}");
    assert_eq!(rows(&client).await, (0, 0));

    let before = watch.commits.load(Ordering::SeqCst);
    let made = client.work_orders().create(wish()).await.unwrap();
    assert_eq!(watch.commits.load(Ordering::SeqCst), before + 1);
    assert_eq!(rows(&client).await, (1, 1));

    // Repeating it writes nothing.
    assert_eq!(client.work_orders().create(wish()).await.unwrap(), made);
    assert_eq!(watch.commits.load(Ordering::SeqCst), before + 1);
}

/// Two programs with the same file do not see each other's calls under way; still there is one effect, and both get
/// its answer, also where the second meets what the first has made.
#[tokio::test]
async fn two_programs_at_once_have_one_effect_and_one_answer() {
    let store = MemoryStore::new();
    let program = async || {
        let inner = store.clone();
        let store = Watched {
            inner,
            ..Watched::default()
        };
        let config = Config::from_pairs([("USER", "t")]).unwrap();
        let opened = Client::builder(Arc::new(store))
            .config(config)
            .build()
            .await
            .unwrap();
        opened.with_idempotency_key("wish").unwrap()
    };
    let (a, b) = (program().await, program().await);
    let kind = "tool".parse::<cmms::AssetType>().unwrap();
    let asset = || cmms::RegisterAsset::new("asset_001", "Pump", kind);
    let (first, second) = tokio::join!(a.assets().register(asset()), b.assets().register(asset()));
    assert_eq!(first.unwrap(), second.unwrap());
    let order = || CreateWorkOrder::new("Check pump");
    let (first, second) = tokio::join!(
        a.work_orders().create(order()),
        b.work_orders().create(order())
    );
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(rows(&a).await, (1, 2));
}

/// A caller who leaves after the work and before the answer leaves nothing behind, and the next one finds a free key.
#[tokio::test]
async fn a_call_that_is_dropped_leaves_nothing_or_all() {
    for polls in 0..40 {
        let opened = Client::builder(Arc::new(Watched::default()))
            .config(Config::from_pairs([("USER", "t")]).unwrap());
        let client = opened.build().await.unwrap();
        let client = client.with_idempotency_key("wish").unwrap();
        {
            let mut call = std::pin::pin!(client.work_orders().create(CreateWorkOrder::new("a")));
            for _ in 0..polls {
                let waker = std::task::Waker::noop();
                if call
                    .as_mut()
                    .poll(&mut std::task::Context::from_waker(waker))
                    .is_ready()
                {
                    break;
                }
            }
        }
        let (orders, kept) = rows(&client).await;
        assert_eq!(orders, kept, "after {polls} polls");
        client
            .work_orders()
            .create(CreateWorkOrder::new("a"))
            .await
            .unwrap();
        assert_eq!(rows(&client).await, (1, 1), "after {polls} polls");
    }
}

/// A database that undoes a write for the sake of another one is asked again, a few times and no more. Found in a review:
/// each of these times it hoped anew that nobody else writes, and could be refused five times in a row.
#[tokio::test]
async fn a_write_that_met_another_one_is_done_again() {
    let store = Watched::default();
    let watch = Arc::clone(&store.watch);
    let config = Config::from_pairs([("USER", "t")]).unwrap();
    let opened = Client::builder(Arc::new(store))
        .config(config)
        .build()
        .await
        .unwrap();
    let client = opened;
    watch.conflicts.store(4, Ordering::SeqCst);
    let wish = || CreateWorkOrder::new("Check pump");
    client.work_orders().create(wish()).await.unwrap();
    assert_eq!(rows(&client).await.0, 1);
    assert_eq!(watch.hoped.load(Ordering::SeqCst), 1, "then it waits");
    watch.conflicts.store(100, Ordering::SeqCst);
    let e = client.work_orders().create(wish()).await.unwrap_err();
    assert!(e.is(code::STORE_CONFLICT), "{e}");
    assert_eq!(watch.conflicts.load(Ordering::SeqCst), 95);
    assert_eq!(rows(&client).await.0, 1);
}
