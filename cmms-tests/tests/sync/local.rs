//! What people do here, and what a pull leaves alone.

use super::incremental::rows;
use cmms::core::domain::audit::AuditEntry;
use cmms::core::ports::repository::TxExt;
use cmms::core::ports::store::{Query, TxMode};
use cmms::{AssetType, CreateMapping, CreateWorkOrder, GetAsset, RegisterAsset, UpdateWorkOrder};
use cmms_sim::upkeep::SimEntity;
use cmms_tests::{Plant, Where};
use serde_json::json;

/// A pull changes only what the vendor changed. Answers what went wrong.
pub async fn local_edit_survives() -> Result<(), String> {
    let plant = Plant::small(Where::Sqlite).await;
    plant.sync().await;
    let order = rows(&plant).await.1.into_iter().next().unwrap();
    let order = plant.client.work_orders().get(order.id).await.unwrap();
    let external = order.external[0].external_id.clone();
    let edit = UpdateWorkOrder::new(order.id)
        .title("ours")
        .location("here");
    plant.client.work_orders().update(edit).await.unwrap();
    plant.vendor().update(
        SimEntity::WorkOrder,
        &external,
        json!({ "description": "theirs" }),
    );
    plant.sync().await;
    let after = plant.client.work_orders().get(order.id).await.unwrap();
    if (after.title.as_str(), after.location.as_deref()) != ("ours", Some("here")) {
        return Err(format!("a local edit is gone: {after:?}"));
    }
    if after.description.as_deref() != Some("theirs") {
        return Err(format!("the vendor's change is missing: {after:?}"));
    }
    // The vendor changes the same field: it wins, and the audit keeps what gave way.
    plant.vendor().update(
        SimEntity::WorkOrder,
        &external,
        json!({ "title": "theirs" }),
    );
    plant.sync().await;
    let after = plant.client.work_orders().get(order.id).await.unwrap();
    if after.title != "theirs" {
        return Err(format!("the vendor's change is missing: {after:?}"));
    }
    let mut tx = plant
        .store
        .begin(plant.client.scope(), TxMode::Snapshot)
        .await
        .unwrap();
    let entries = tx.of::<AuditEntry>().list(&Query::default()).await.unwrap();
    let kept = entries
        .iter()
        .filter_map(|e| e.batch.as_ref())
        .flat_map(|b| &b.0.records)
        .filter(|r| r.id == order.id.0)
        .flat_map(|r| &r.overwritten)
        .any(|c| c.field == "title" && c.before == Some(json!("ours")));
    if kept {
        Ok(())
    } else {
        Err("the audit does not keep what gave way".to_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_changes_only_what_the_vendor_changed() {
    let _quiet = super::twins::quiet().await;
    local_edit_survives().await.unwrap();
}

/// Numbers of the vendor are remembered exactly, so an edit of one stays when the vendor changes something else.
/// Answers what went wrong.
pub async fn edited_hours_survive() -> Result<(), String> {
    let plant = Plant::small(Where::Sqlite).await;
    let hours = CreateMapping::new(plant.connection.id, "hours", "work_order.estimated_hours");
    plant.client.mappings().create(hours).await.unwrap();
    let ids: Vec<String> = plant.vendor().oracle().work_orders.into_keys().collect();
    for (k, id) in (1_u32..).zip(&ids) {
        let hours = f64::from(k) / 60.0;
        let entity = SimEntity::WorkOrder;
        plant.vendor().update(entity, id, json!({ "hours": hours }));
    }
    plant.sync().await;
    for order in rows(&plant).await.1 {
        let edit = UpdateWorkOrder::new(order.id)
            .title("ours")
            .estimated_hours(1000.0);
        plant.client.work_orders().update(edit).await.unwrap();
    }
    for id in &ids {
        let entity = SimEntity::WorkOrder;
        plant
            .vendor()
            .update(entity, id, json!({ "title": "theirs" }));
    }
    plant.sync().await;
    let orders = rows(&plant).await.1;
    assert_eq!(orders.len(), ids.len());
    let gone = orders
        .iter()
        .filter(|o| o.estimated_hours != Some(1000.0))
        .count();
    if gone > 0 || orders.iter().any(|o| o.title != "theirs") {
        return Err(format!("{gone} local edits are gone"));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_leaves_an_edited_number_alone_whose_vendor_did_not_change_it() {
    let _quiet = super::twins::quiet().await;
    edited_hours_survive().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pulled_asset_is_never_merged_with_a_local_one_of_the_same_tag() {
    let plant = Plant::small(Where::Sqlite).await;
    let id = plant.vendor().oracle().assets.into_keys().next().unwrap();
    let ours = RegisterAsset::new(id.clone(), "Ours", AssetType::Tool);
    plant.client.assets().register(ours).await.unwrap();
    plant.sync().await;
    let ours = plant
        .client
        .assets()
        .get(GetAsset::new(id.clone()))
        .await
        .unwrap();
    assert_eq!((ours.name.as_str(), ours.external.len()), ("Ours", 0));
    let theirs = plant
        .client
        .assets()
        .get(GetAsset::new(format!("plant:{id}")))
        .await
        .unwrap();
    assert_eq!(theirs.external[0].external_id, id);
    // Pulled work orders are about the pulled asset, not about ours.
    let (_, orders, _) = rows(&plant).await;
    assert!(orders.iter().all(|o| o.asset_uid != Some(ours.id)));
    assert!(orders.iter().any(|o| o.asset_uid == Some(theirs.id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_work_order_is_linked_when_its_asset_comes_in() {
    for place in [Where::Memory, Where::Sqlite] {
        let plant = Plant::small(place).await;
        let id = plant.vendor().oracle().assets.into_keys().next().unwrap();
        let order = CreateWorkOrder::new("Check").asset_id(id.clone());
        let order = plant.client.work_orders().create(order).await.unwrap();
        assert_eq!(order.asset_resolved, Some(false));
        let unknown = CreateWorkOrder::new("Check").asset_id("later");
        let unknown = plant.client.work_orders().create(unknown).await.unwrap();
        plant.sync().await;
        let order = plant.client.work_orders().get(order.id).await.unwrap();
        assert_eq!(
            (order.asset_resolved, order.asset_id),
            (Some(true), Some(id))
        );
        let later = RegisterAsset::new("later", "Later", AssetType::Tool);
        plant.client.assets().register(later).await.unwrap();
        let unknown = plant.client.work_orders().get(unknown.id).await.unwrap();
        assert_eq!(unknown.asset_resolved, Some(true));
    }
}

/// A sync never keeps people from their work, and loses nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn people_write_while_a_sync_runs() {
    let plant = Plant::start().await;
    let sync = plant.sync();
    let people = async {
        let mut numbers = std::collections::BTreeSet::new();
        for i in 0..60 {
            let order = CreateWorkOrder::new(format!("Ours {i}"));
            let order = plant.client.work_orders().create(order).await.unwrap();
            let edit = UpdateWorkOrder::new(order.id).location("here");
            let order = plant.client.work_orders().update(edit).await.unwrap();
            assert_eq!(order.version, 2);
            assert!(numbers.insert(order.number));
        }
        numbers
    };
    let (run, numbers) = tokio::join!(sync, people);
    assert_eq!(
        (run.status, run.created),
        (cmms::SyncStatus::Ok, 2200),
        "{run:?}"
    );
    let (_, orders, links) = rows(&plant).await;
    assert_eq!((orders.len(), links.len()), (2060, 2200));
    let all: std::collections::BTreeSet<_> = orders.into_iter().map(|o| o.number).collect();
    assert_eq!(all.len(), 2060, "a number was given out twice");
    assert!(numbers.is_subset(&all));
}
