//! Field mappings and the quarantine, through the client over a simulated vendor.

mod heal;
mod operations;
mod origins;
mod preview;
mod sync;

use cmms::core::domain::audit::AuditEntry;
use cmms::core::domain::sync_state::ExternalLink;
use cmms::core::ports::repository::TxExt;
use cmms::core::ports::store::{Query, TxMode};
use cmms::core::record::{Record, Row};
use cmms::{
    Asset, CreateMapping, Entity, FieldMapping, ListQuarantine, QuarantineItem, Result, WorkOrder,
};
use cmms_tests::Plant;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Where a test runs.
const PLACES: [cmms_tests::Where; 2] = [cmms_tests::Where::Memory, cmms_tests::Where::Sqlite];

/// All rows of a kind.
async fn all<R: Record>(plant: &Plant) -> Vec<R> {
    let mut tx = plant
        .store
        .begin(plant.client.scope(), TxMode::Snapshot)
        .await
        .unwrap();
    tx.of::<R>().list(&Query::default()).await.unwrap()
}

/// Every column of every record of a kind, by id.
async fn columns<R: Record>(
    plant: &Plant,
    id: fn(&R) -> Uuid,
) -> BTreeMap<Uuid, BTreeMap<&'static str, String>> {
    let row = |record: &R| {
        let cells = Row::of(record).0;
        let names = R::TABLE.columns.iter().map(|c| c.name);
        names.zip(cells.iter().map(|c| format!("{c:?}"))).collect()
    };
    let records = all::<R>(plant).await;
    records.iter().map(|r| (id(r), row(r))).collect()
}

async fn orders(plant: &Plant) -> BTreeMap<Uuid, WorkOrder> {
    let orders = all::<WorkOrder>(plant).await;
    orders.into_iter().map(|o| (o.id.0, o)).collect()
}

/// Our records by the vendor's id.
async fn by_external(plant: &Plant, entity: Entity) -> BTreeMap<String, Uuid> {
    let links = all::<ExternalLink>(plant).await;
    let of = links.into_iter().filter(|l| l.entity == entity);
    of.map(|l| (l.external_id, l.record_id)).collect()
}

async fn order_of(plant: &Plant, external: &str) -> WorkOrder {
    let id = by_external(plant, Entity::WorkOrder).await[external];
    let id = cmms::core::ids::WorkOrderId(id);
    plant.client.work_orders().get(id).await.unwrap()
}

async fn asset_of(plant: &Plant, external: &str) -> Asset {
    let id = by_external(plant, Entity::Asset).await[external];
    let assets = all::<Asset>(plant).await;
    let tag = assets.into_iter().find(|a| a.id.0 == id).unwrap().asset_id;
    let ask = cmms::GetAsset::new(tag);
    plant.client.assets().get(ask).await.unwrap()
}

/// Adds a mapping; `rule` null: none.
async fn map(plant: &Plant, source: &str, target: &str, rule: Value) -> Result<FieldMapping> {
    let mut input = CreateMapping::new(plant.connection.id, source, target);
    if !rule.is_null() {
        input = input.transformation_rule(rule);
    }
    plant.client.mappings().create(input).await
}

async fn waiting(plant: &Plant) -> Vec<QuarantineItem> {
    let mut ask = ListQuarantine::new().limit(500_u32);
    let mut items = Vec::new();
    // Large records end a page early.
    loop {
        let page = plant.client.quarantine().list(ask.clone()).await.unwrap();
        items.extend(page.items);
        match page.next {
            Some(cursor) => ask = ask.cursor(cursor),
            None => return items,
        }
    }
}

async fn actions(plant: &Plant) -> Vec<String> {
    let entries = all::<AuditEntry>(plant).await;
    entries.into_iter().map(|e| e.action).collect()
}
