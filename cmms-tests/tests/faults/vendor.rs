//! The simulated vendors, as the table needs them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use cmms::adapters::{EgressClient, EgressPolicy, UpkeepAdapter};
use cmms::core::domain::asset::Asset;
use cmms::core::domain::sync_state::ExternalLink;
use cmms::core::domain::work_order::WorkOrder;
use cmms::core::ports::adapter::Adapter;
use cmms::core::ports::repository::TxExt;
use cmms::core::ports::store::{Query, Store, TxMode};
use cmms::{Client, Connection, CreateConnection, Entity};
use cmms_sim::FaultPlan;
use cmms_sim::paged::{PagedConfig, PagedEntity, PagedSim};
use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim};
use cmms_tests::oracle::{ALL, differences};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

#[expect(dead_code, reason = "the example's own main program")]
#[path = "../../../examples/rust/custom_adapter.rs"]
mod custom;

/// A simulated vendor and the adapter that speaks to it.
#[async_trait]
pub trait Vendor: Send + Sync + Sized {
    /// One with several pages of each kind.
    async fn start() -> Self;
    /// Its address.
    fn base_url(&self) -> String;
    /// An adapter whose requests may take so long.
    fn adapter(&self, patience: Duration) -> Arc<dyn Adapter>;
    /// A connection with good credentials.
    fn connection(&self) -> CreateConnection;
    /// Its time.
    fn now(&self) -> DateTime<Utc>;
    /// Changes records.
    fn edit(&self, how_many: usize);
    /// Orders a fault.
    fn inject(&self, plan: FaultPlan);
    /// Ends all faults.
    fn end_faults(&self);
    /// Requests that faults have hit.
    fn fault_hits(&self) -> u64;
    /// The paths that were asked for.
    fn paths(&self) -> Vec<String>;
    /// Every record of a kind, by id.
    fn records(&self, entity: Entity) -> BTreeMap<String, Value>;
    /// The time up to which a stored place in a listing says that all is here.
    fn bound(position: &Value) -> Option<DateTime<Utc>>;
    /// In what the store differs from the vendor.
    async fn differences(&self, client: &Client, store: &dyn Store, of: &Connection)
    -> Vec<String>;
}

fn egress(url: String, patience: Duration) -> EgressClient {
    let policy = EgressPolicy::new(&[url]).unwrap();
    let client = EgressClient::builder(policy).timeout(patience).build();
    client.unwrap()
}

#[async_trait]
impl Vendor for UpkeepSim {
    async fn start() -> Self {
        let config = UpkeepConfig::default().assets(90).work_orders(200);
        Self::start(config, 0).await.unwrap()
    }
    fn base_url(&self) -> String {
        self.base_url()
    }
    fn adapter(&self, patience: Duration) -> Arc<dyn Adapter> {
        let egress = Arc::new(egress(self.base_url(), patience));
        Arc::new(UpkeepAdapter::seeded(egress, 7))
    }
    fn connection(&self) -> CreateConnection {
        let config = UpkeepConfig::default();
        CreateConnection::new("upkeep", self.base_url(), "Plant")
            .username(config.email)
            .password(config.password)
    }
    fn now(&self) -> DateTime<Utc> {
        self.vendor().now()
    }
    fn edit(&self, how_many: usize) {
        self.vendor().edit(how_many);
    }
    fn inject(&self, plan: FaultPlan) {
        self.vendor().inject(plan);
    }
    fn end_faults(&self) {
        self.vendor().end_faults();
    }
    fn fault_hits(&self) -> u64 {
        self.vendor().fault_hits()
    }
    fn paths(&self) -> Vec<String> {
        let log = self.vendor().requests().into_iter();
        log.map(|request| request.path).collect()
    }
    fn records(&self, entity: Entity) -> BTreeMap<String, Value> {
        let oracle = self.vendor().oracle();
        match entity {
            Entity::Asset => oracle.assets,
            Entity::WorkOrder => oracle.work_orders,
        }
    }
    fn bound(position: &Value) -> Option<DateTime<Utc>> {
        let place = Some(position).filter(|place| place["part"]["of"] != "archived");
        let millis = place.and_then(|place| place["bound"].as_i64());
        millis.and_then(DateTime::from_timestamp_millis)
    }
    async fn differences(
        &self,
        client: &Client,
        store: &dyn Store,
        of: &Connection,
    ) -> Vec<String> {
        let found = differences(client, store, self.vendor(), of.id, ALL).await;
        found.iter().map(ToString::to_string).collect()
    }
}

#[async_trait]
impl Vendor for PagedSim {
    async fn start() -> Self {
        let config = PagedConfig::default().assets(90).work_orders(200);
        Self::start(config, 0).await.unwrap()
    }
    fn base_url(&self) -> String {
        self.base_url()
    }
    fn adapter(&self, patience: Duration) -> Arc<dyn Adapter> {
        Arc::new(custom::Paged::new(egress(self.base_url(), patience)))
    }
    fn connection(&self) -> CreateConnection {
        let token = PagedConfig::default().token;
        CreateConnection::new("paged", self.base_url(), "Plant").api_key(token)
    }
    fn now(&self) -> DateTime<Utc> {
        self.vendor().now()
    }
    fn edit(&self, how_many: usize) {
        self.vendor().edit(how_many);
    }
    fn inject(&self, plan: FaultPlan) {
        self.vendor().inject(plan);
    }
    fn end_faults(&self) {
        self.vendor().end_faults();
    }
    fn fault_hits(&self) -> u64 {
        self.vendor().fault_hits()
    }
    fn paths(&self) -> Vec<String> {
        let log = self.vendor().requests().into_iter();
        log.map(|request| request.path).collect()
    }
    fn records(&self, entity: Entity) -> BTreeMap<String, Value> {
        let oracle = self.vendor().oracle();
        match entity {
            Entity::Asset => oracle.assets,
            Entity::WorkOrder => oracle.work_orders,
        }
    }
    /// Numbers tell nothing of times; among changes all before the bound are here.
    fn bound(position: &Value) -> Option<DateTime<Utc>> {
        position["since"].as_str()?.parse().ok()
    }
    /// Every record is linked as it is served, to one of ours that has its name and number.
    async fn differences(
        &self,
        client: &Client,
        store: &dyn Store,
        of: &Connection,
    ) -> Vec<String> {
        let mut tx = store.begin(client.scope(), TxMode::Snapshot).await.unwrap();
        let links = tx.of::<ExternalLink>().list(&Query::default()).await;
        let assets = tx.of::<Asset>().list(&Query::default()).await.unwrap();
        let orders = tx.of::<WorkOrder>().list(&Query::default()).await.unwrap();
        let mut names = BTreeMap::new();
        names.extend(assets.into_iter().map(|asset| (asset.id.0, asset.name)));
        names.extend(orders.into_iter().map(|order| (order.id.0, order.title)));
        let mut links: BTreeMap<_, _> = links
            .unwrap()
            .into_iter()
            .filter(|link| link.connection_id == of.id)
            .map(|link| ((link.entity, link.external_id.clone()), link))
            .collect();
        let mut found = Vec::new();
        for (entity, kind, name) in [
            (Entity::Asset, PagedEntity::Asset, "name"),
            (Entity::WorkOrder, PagedEntity::WorkOrder, "title"),
        ] {
            for (id, raw) in self.vendor().served(kind) {
                let Some(link) = links.remove(&(entity, id.clone())) else {
                    found.push(format!("{entity} {id} is missing"));
                    continue;
                };
                let record: Value = serde_json::from_str(&raw).unwrap();
                // Some faults write a record anew, with its fields in another order.
                let kept: Value = serde_json::from_str(&link.raw.0).unwrap();
                if kept != record {
                    found.push(format!("{entity} {id} is not as it is served"));
                }
                let stored = names.get(&link.record_id).map(String::as_str);
                if stored != record[name].as_str() {
                    found.push(format!("{entity} {id} is called {stored:?}"));
                }
            }
        }
        let extra = links.into_keys();
        found.extend(extra.map(|(entity, id)| format!("{entity} {id} is not the vendor's")));
        found
    }
}
