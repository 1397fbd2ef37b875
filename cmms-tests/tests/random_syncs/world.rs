//! Two accounts at the vendor, whose records have the same ids, and an application with connections to them.

use super::clock::HostClock;
use cmms::core::domain::asset::Asset;
use cmms::core::domain::sync_state::ExternalLink;
use cmms::core::domain::work_order::WorkOrder;
use cmms::core::ids::ConnectionId;
use cmms::core::memory::MemoryStore;
use cmms::core::ports::repository::TxExt;
use cmms::core::ports::store::{Query, Store, TxMode};
use cmms::secrets::KeyVault;
use cmms::{Client, Config};
use cmms_sim::upkeep::{SimEntity, UpkeepConfig, UpkeepSim, UpkeepVendor};
use cmms_tests::oracle::{ALL, differences};
use cmms_tests::{KEY, Where, open, postgres};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use tempfile::TempDir;
use uuid::Uuid;

/// What the names of an account's records begin with.
pub const MARKS: [&str; 2] = ["north ", "south "];
/// The field that has the name.
const NAMES: [(SimEntity, &str); 2] = [(SimEntity::Asset, "name"), (SimEntity::WorkOrder, "title")];

/// A connection and the account that it should be of.
#[derive(Debug, Clone, Copy)]
pub struct Live {
    pub id: ConnectionId,
    pub account: usize,
}

pub struct World {
    pub accounts: [UpkeepSim; 2],
    pub client: Client,
    pub clock: Arc<HostClock>,
    pub live: Vec<Live>,
    /// Whether an account answers at its second address by now.
    pub moved: [bool; 2],
    store: Arc<dyn Store>,
    /// The account that a record of ours came from.
    owners: BTreeMap<Uuid, usize>,
    _folder: TempDir,
}

impl World {
    pub async fn start(seed: u64, place: Where) -> Self {
        let accounts = [account(seed, 0).await, account(seed, 1).await];
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = match place {
            Where::Memory => Arc::new(MemoryStore::new()),
            Where::Sqlite => {
                open(&format!(
                    "sqlite://{}",
                    folder.path().join("cmms.db").display()
                ))
                .await
            }
            Where::Postgres => open(&postgres::fresh().await).await,
        };
        let clock = Arc::new(HostClock::new(accounts[0].vendor().now()));
        let allow = accounts
            .iter()
            .flat_map(|sim| [sim.base_url(), second_address(sim)]);
        let config = Config::from_pairs([
            ("CMMS_EGRESS_ALLOW", allow.collect::<Vec<_>>().join(",")),
            ("USER", "tester".to_owned()),
        ])
        .unwrap();
        let client = Client::builder(Arc::clone(&store))
            .config(config)
            .vault(KeyVault::with_key(KEY))
            .clock(Arc::clone(&clock) as _)
            .build()
            .await
            .unwrap();
        Self {
            accounts,
            client,
            clock,
            live: Vec::new(),
            moved: [false; 2],
            store,
            owners: BTreeMap::new(),
            _folder: folder,
        }
    }

    pub fn vendor(&self, account: usize) -> &UpkeepVendor {
        self.accounts[account].vendor()
    }

    /// Where an account answers.
    pub fn address(&self, account: usize) -> String {
        let sim = &self.accounts[account];
        if self.moved[account] {
            second_address(sim)
        } else {
            sim.base_url()
        }
    }

    /// Ends the test if a record of ours is another account's than the one that it came from.
    pub async fn check_owners(&mut self, at: &str) {
        let mut tx = self
            .store
            .begin(self.client.scope(), TxMode::Snapshot)
            .await
            .unwrap();
        let all = Query::default();
        for link in tx.of::<ExternalLink>().list(&all).await.unwrap() {
            let live = self.live.iter().find(|live| live.id == link.connection_id);
            let Some(live) = live else { continue };
            let owner = *self.owners.entry(link.record_id).or_insert(live.account);
            assert_eq!(
                owner, live.account,
                "{at}: {} {} is linked with a record of {}",
                link.entity, link.external_id, MARKS[owner]
            );
        }
        let orders = tx.of::<WorkOrder>().list(&all).await.unwrap();
        let assets = tx.of::<Asset>().list(&all).await.unwrap();
        let orders = orders.iter().map(|order| (order.id.0, &order.title));
        let assets = assets.iter().map(|asset| (asset.id.0, &asset.name));
        for (id, name) in orders.chain(assets) {
            if let Some(owner) = self.owners.get(&id) {
                let mark = MARKS[*owner];
                assert!(
                    name.starts_with(mark),
                    "{at}: {name:?} is a record of {mark}"
                );
            }
        }
    }

    /// In what the store differs from the accounts. What was deleted there stays here.
    pub async fn differences(&self) -> Vec<String> {
        let mut found = Vec::new();
        for live in &self.live {
            let vendor = self.vendor(live.account);
            let of = differences(&self.client, &*self.store, vendor, live.id, ALL).await;
            found.extend(
                of.into_iter()
                    .map(|text| format!("{}{text}", MARKS[live.account])),
            );
        }
        found.retain(|text| {
            !text.contains(" is linked, the vendor has none")
                && !text.contains("was brought in, has no link")
                && !text.contains("high_water")
        });
        found
    }
}

/// The same server by another name of its host.
fn second_address(sim: &UpkeepSim) -> String {
    sim.base_url().replace("127.0.0.1", "localhost")
}

/// An account whose ids depend on the seed alone and whose names say which account it is.
async fn account(seed: u64, number: usize) -> UpkeepSim {
    let config = UpkeepConfig::default()
        .seed(seed)
        .assets(12)
        .work_orders(50)
        .page_cap(10)
        .email(format!("plant{number}@example.com"));
    let sim = UpkeepSim::start(config, 0).await.unwrap();
    let oracle = sim.vendor().oracle();
    for ((entity, field), records) in NAMES.iter().zip([oracle.assets, oracle.work_orders]) {
        for (id, record) in records {
            let name = format!("{}{}", MARKS[number], record[*field].as_str().unwrap_or(""));
            assert!(sim.vendor().update(*entity, &id, json!({ *field: name })));
        }
    }
    sim
}
