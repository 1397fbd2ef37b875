//! A run begins with the connection as it is when the run takes its lease, or not at all.

use super::account::{EVERYWHERE, account};
use super::incremental::rows;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use cmms::core::context::Scope;
use cmms::core::domain::sync_state::{Checkpoint, SyncLease};
use cmms::core::ids::OrgId;
use cmms::core::ports::repository::TxExt as _;
use cmms::core::ports::store::{
    Migrated, Organization, Query, Store, StoreHealth, StoreInfo, Tx, TxMode,
};
use cmms::{Client, ConnectionOptions, Result, SyncRun, SyncStatus, UpdateConnection, code};

use cmms_tests::{Plant, Where, client};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

type Meddling = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A store in which something happens just before the next write begins.
struct Between {
    store: Arc<dyn Store>,
    next: Mutex<Option<Meddling>>,
}

impl fmt::Debug for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Between")
    }
}

#[async_trait]
impl Store for Between {
    fn info(&self) -> StoreInfo {
        self.store.info()
    }
    async fn begin(&self, scope: &Scope, mode: TxMode) -> Result<Box<dyn Tx>> {
        let next = match mode {
            TxMode::Write => self.next.lock().unwrap().take(),
            _ => None,
        };
        if let Some(next) = next {
            next.await;
        }
        self.store.begin(scope, mode).await
    }
    async fn organization(&self, name: &str, new: OrgId, now: DateTime<Utc>) -> Result<OrgId> {
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

/// A sync that somebody else meddles with between its plan and its beginning.
async fn meddled<F: Future<Output = ()> + Send + 'static>(
    plant: &Plant,
    meddle: impl FnOnce(Client) -> F,
) -> Result<SyncRun> {
    let between = Arc::new(Between {
        store: Arc::clone(&plant.store),
        next: Mutex::default(),
    });
    let ours = client(Arc::clone(&between) as Arc<dyn Store>, &plant.sim).await;
    *between.next.lock().unwrap() = Some(Box::pin(meddle(plant.client.clone())));
    ours.sync().all(plant.connection.id).await
}

async fn fresh(place: Where) -> Plant {
    Plant::with(account(1), place, ConnectionOptions::default()).await
}

/// A connection that is removed while a sync of it begins. Answers what is left of it, if something is.
pub async fn nothing_is_left_of_a_removed_connection(place: Where) -> Result<(), String> {
    let plant = fresh(place).await;
    let id = plant.connection.id;
    let run = meddled(&plant, async move |client: Client| {
        client.connections().delete(id).await.unwrap();
    });
    let run = run.await;
    let (assets, orders, links) = rows(&plant).await;
    let scope = plant.client.scope().clone();
    let mut tx = plant.store.begin(&scope, TxMode::Once).await.unwrap();
    let all = Query::default();
    let checkpoints = tx.of::<Checkpoint>().list(&all).await.unwrap().len();
    let leases = tx.of::<SyncLease>().list(&all).await.unwrap().len();
    let runs = plant.client.runs().list(cmms::ListRuns::new()).await;
    let runs = runs.unwrap().items.len();
    let rows = assets.len() + orders.len() + links.len();
    if rows + checkpoints + leases + runs > 0 {
        return Err(format!(
            "left: {rows} rows, {checkpoints} checkpoints, {leases} leases, {runs} runs"
        ));
    }
    let error = run.map_err(|e| e.code().id()).unwrap_err();
    assert_eq!(error, code::CONNECTION_NOT_FOUND.id());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_does_not_begin_with_a_connection_that_is_gone() {
    let _quiet = super::twins::quiet().await;
    for place in EVERYWHERE {
        nothing_is_left_of_a_removed_connection(place)
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_does_not_begin_with_a_connection_that_was_switched_off() {
    let _quiet = super::twins::quiet().await;
    for place in EVERYWHERE {
        let plant = fresh(place).await;
        let off = UpdateConnection::new(plant.connection.id).enabled(false);
        let error = meddled(&plant, async move |client: Client| {
            client.connections().update(off).await.unwrap();
        });
        let error = error.await.unwrap_err();
        assert!(error.is(code::CONNECTION_DISABLED), "{error}");
        assert_eq!(rows(&plant).await.0.len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_begins_with_the_address_and_credentials_of_its_beginning() {
    let _quiet = super::twins::quiet().await;
    for place in EVERYWHERE {
        let plant = fresh(place).await;
        let vendor = plant.vendor().clone();
        let login = UpdateConnection::new(plant.connection.id)
            .api_url(format!("{}/api/v2", plant.sim.base_url()))
            .username("integration@example.com")
            .password("changed");
        let run = meddled(&plant, async move |client: Client| {
            client.connections().update(login).await.unwrap();
            vendor.set_password("changed");
        });
        let run = run.await.unwrap();
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 38), "{run:?}");
    }
}

/// What a sync notes about the health of its connection is no change of the connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_read_before_a_sync_can_be_edited_after_it() {
    for place in EVERYWHERE {
        let plant = fresh(place).await;
        let connections = plant.client.connections();
        let before = connections.get(plant.connection.id).await.unwrap();
        plant.sync().await;
        connections.test(before.id).await.unwrap();
        let edit = UpdateConnection::new(before.id).version(before.version);
        let after = connections
            .update(edit.connection_name("Renamed"))
            .await
            .unwrap();
        assert_eq!(after.version, before.version + 1);
        assert_eq!(after.health.state, cmms::HealthState::Healthy);
        let listed = connections
            .list(cmms::ListConnections::new())
            .await
            .unwrap();
        assert_eq!(listed.items, [after]);
    }
}
