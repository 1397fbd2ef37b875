//! Numbered pages: records that go while pages are read move none out of sight.

#[expect(dead_code, reason = "the example's own main program")]
#[path = "../../examples/rust/custom_adapter.rs"]
mod example;

use cmms::adapters::{EgressClient, EgressPolicy};
use cmms::core::domain::sync_state::ExternalLink;
use cmms::core::failpoint::{Failpoint, set};
use cmms::core::ports::repository::TxExt;
use cmms::core::ports::store::{Query, Store, TxMode};
use cmms::secrets::KeyVault;
use cmms::{
    Client, Config, Connection, ConnectionOptions, CreateConnection, Entity, StartSync, SyncStatus,
};
use cmms_sim::paged::{PagedConfig, PagedEntity, PagedSim, PagedVendor};
use cmms_tests::KEY;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::RwLock;
use tokio_util::sync::CancellationToken;

/// Held for writing while a guarantee is broken.
static SWITCHES: RwLock<()> = RwLock::const_new(());

struct Site {
    sim: PagedSim,
    store: Arc<dyn Store>,
    client: Client,
    connection: Connection,
}

impl Site {
    async fn start(in_flight: u32) -> Self {
        let config = PagedConfig::default().assets(1).work_orders(400);
        let sim = PagedSim::start(config, 0).await.unwrap();
        let store: Arc<dyn Store> = Arc::new(cmms::core::memory::MemoryStore::new());
        let policy = EgressPolicy::new(&[sim.base_url()]).unwrap();
        let adapter = example::Paged::new(EgressClient::new(policy).unwrap());
        let pairs = [
            ("CMMS_EGRESS_ALLOW", sim.base_url()),
            ("USER", "tester".to_owned()),
        ];
        let client = Client::builder(Arc::clone(&store))
            .config(Config::from_pairs(pairs).unwrap())
            .vault(KeyVault::with_key(KEY))
            .adapter(Arc::new(adapter))
            .build()
            .await
            .unwrap();
        let options = ConnectionOptions {
            page_size: Some(40),
            batch_records: Some(40),
            pages_in_flight: Some(in_flight),
            ..ConnectionOptions::default()
        };
        let input = CreateConnection::new("paged", sim.base_url(), "Plant")
            .api_key("test-token")
            .options(options);
        let connection = client.connections().create(input).await.unwrap();
        Self {
            sim,
            store,
            client,
            connection,
        }
    }

    /// The vendor's work orders that are not linked.
    async fn missing(&self) -> Vec<String> {
        let mode = TxMode::Snapshot;
        let mut tx = self.store.begin(self.client.scope(), mode).await.unwrap();
        let links = tx.of::<ExternalLink>().list(&Query::default()).await;
        let linked: BTreeSet<_> = links
            .unwrap()
            .into_iter()
            .filter(|link| link.entity == Entity::WorkOrder)
            .map(|link| link.external_id)
            .collect();
        let served = self.sim.vendor().served(PagedEntity::WorkOrder);
        let ids = served.into_keys();
        ids.filter(|id| !linked.contains(id)).collect()
    }
}

/// Deletes so many records from the front of the list, and adds as many.
fn swap(vendor: &PagedVendor, how_many: usize) {
    let orders = vendor.served(PagedEntity::WorkOrder).into_keys();
    for id in orders.take(how_many) {
        vendor.remove(PagedEntity::WorkOrder, &id);
        vendor.insert(PagedEntity::WorkOrder, json!({"title": "new"}));
    }
}

/// What is missing when some go and some come while pages are read; the status of the run.
async fn passed_over(in_flight: u32, how_many: usize) -> (SyncStatus, Vec<String>) {
    let site = Site::start(in_flight).await;
    let mut asked = 0;
    site.sim
        .vendor()
        .after_each_request(move |vendor, request| {
            if request.path.ends_with("work-orders") {
                asked += 1;
                // Each time another gap than the one before.
                if asked % 3 == 0 && asked < 14 {
                    swap(vendor, how_many);
                }
            }
        });
    let run = site.client.sync().all(site.connection.id).await.unwrap();
    let mut missing = site.missing().await;
    missing.retain(|id| id.as_str() < "WO-0000400");
    // Those that came are in the next listing, if not in this one.
    site.sim.vendor().after_each_request(|_, _| {});
    site.client.sync().all(site.connection.id).await.unwrap();
    missing.extend(site.missing().await);
    (run.status, missing)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_goes_and_one_that_comes_hide_none() {
    let _quiet = SWITCHES.read().await;
    for in_flight in [1, 4] {
        for how_many in [1, 2, 7, 90] {
            let (status, missing) = passed_over(in_flight, how_many).await;
            assert_eq!(status, SyncStatus::Ok, "{in_flight} {how_many}");
            assert_eq!(missing, Vec::<String>::new(), "{in_flight} {how_many}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_numbered_pages_that_are_read_once_are_caught() {
    let _alone = SWITCHES.write().await;
    set(Failpoint::BelievePageNumbers, true);
    let (status, missing) = passed_over(1, 7).await;
    set(Failpoint::BelievePageNumbers, false);
    assert!(
        status == SyncStatus::Ok && !missing.is_empty(),
        "{status:?} {missing:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_goes_on_in_a_later_run_hides_none_either() {
    let _quiet = SWITCHES.read().await;
    for how_many in [1, 7, 90] {
        let site = Site::start(1).await;
        let token = CancellationToken::new();
        let fired = token.clone();
        let mut asked = 0;
        site.sim.vendor().after_each_request(move |_, request| {
            asked += usize::from(request.path.ends_with("work-orders"));
            if asked == 8 {
                fired.cancel();
            }
        });
        let client = site.client.cancelled_by(token);
        let run = client.sync().all(site.connection.id).await;
        assert_eq!(run.unwrap_err().code().id(), "CMMS-OP-003");
        site.sim.vendor().after_each_request(|_, _| {});
        swap(site.sim.vendor(), how_many);
        let run = StartSync::new(site.connection.id);
        let run = site.client.sync().all(run).await.unwrap();
        // Of those that went some are here, and a whole list lacks them.
        assert_ne!(run.status, SyncStatus::Failed, "{run:?}");
        assert_eq!(site.missing().await, Vec::<String>::new(), "{how_many}");
    }
}
