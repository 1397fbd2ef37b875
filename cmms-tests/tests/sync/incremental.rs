//! What comes in, and what does not come in again.

use cmms::core::domain::asset::Asset;
use cmms::core::domain::sync_state::ExternalLink;
use cmms::core::domain::work_order::WorkOrder;
use cmms::core::ports::repository::TxExt;
use cmms::core::ports::store::{Query, TxMode};
use cmms::{ConnectionOptions, SyncStatus};
use cmms_sim::upkeep::{SimEntity, UpkeepConfig};
use cmms_tests::{Plant, Where};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio_util::sync::CancellationToken;

/// Every asset, work order and link, as they are stored.
pub async fn rows(plant: &Plant) -> (Vec<Asset>, Vec<WorkOrder>, Vec<ExternalLink>) {
    let mut tx = plant
        .store
        .begin(plant.client.scope(), TxMode::Snapshot)
        .await
        .unwrap();
    let all = Query::default();
    (
        tx.of::<Asset>().list(&all).await.unwrap(),
        tx.of::<WorkOrder>().list(&all).await.unwrap(),
        tx.of::<ExternalLink>().list(&all).await.unwrap(),
    )
}

/// Contract 7, case 1.
#[tokio::test(flavor = "multi_thread")]
async fn second_sync_of_unchanged_data_writes_nothing() {
    let plant = Plant::start().await;
    let first = plant.sync().await;
    assert_eq!(
        (first.status, first.created, first.updated),
        (SyncStatus::Ok, 2200, 0),
        "{first:?}"
    );
    assert_eq!(
        (first.assets_synced, first.work_orders_synced),
        (Some(200), Some(2000))
    );
    let before = rows(&plant).await;
    for run in [plant.sync().await, plant.force().await, plant.sync().await] {
        assert_eq!(
            (run.status, run.created, run.updated),
            (SyncStatus::Ok, 0, 0),
            "{run:?}"
        );
    }
    assert_eq!(rows(&plant).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_changed_is_asked_for() {
    let plant = Plant::start().await;
    plant.sync().await;
    let edited = plant.vendor().edit(25);
    plant.vendor().clear_requests();
    let run = plant.sync().await;
    let changed = i64::try_from(edited.assets.len() + edited.work_orders.len()).unwrap();
    assert_eq!((run.created, run.updated), (0, changed), "{run:?}");
    let requests = plant.vendor().requests();
    assert!(requests.len() <= 8, "{requests:#?}");
    assert!(
        requests.iter().all(|r| r
            .query
            .iter()
            .any(|(name, _)| name == "updatedAtGreaterThanOrEqualTo")),
        "{requests:#?}"
    );
}

/// Contract 7, case 1: a record that moves to the end while pages are read comes twice and is one row.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_moves_while_pages_are_read_is_one_row() {
    let plant = Plant::with(
        UpkeepConfig::default()
            .assets(10)
            .work_orders(300)
            .page_cap(25),
        Where::Sqlite,
        ConnectionOptions::default(),
    )
    .await;
    let moved = plant
        .vendor()
        .oracle()
        .work_orders
        .into_iter()
        .min_by_key(|(_, v)| v["updatedAt"].to_string());
    let id = moved.unwrap().0;
    let touched = AtomicUsize::new(0);
    plant.vendor().after_each_request(move |vendor, request| {
        if request.path.contains("work-orders") && touched.fetch_add(1, Ordering::SeqCst) < 4 {
            vendor.update(SimEntity::WorkOrder, &id, json!({ "title": "moved" }));
        }
    });
    let run = plant.sync().await;
    assert_eq!((run.status, run.created), (SyncStatus::Ok, 310), "{run:?}");
    assert_eq!(rows(&plant).await.1.len(), 300);
    assert_eq!(rows(&plant).await.2.len(), 310);
}

/// Contract 7, case 2.
#[tokio::test(flavor = "multi_thread")]
async fn work_orders_that_come_before_their_assets_are_linked_at_the_end() {
    for place in [Where::Memory, Where::Sqlite] {
        let plant = Plant::small(place).await;
        plant
            .client
            .sync()
            .work_orders(plant.connection.id)
            .await
            .unwrap();
        let (_, orders, _) = rows(&plant).await;
        assert!(orders.iter().any(|o| o.asset_pending.is_some()));
        assert!(orders.iter().all(|o| o.asset_uid.is_none()));
        plant
            .client
            .sync()
            .assets(plant.connection.id)
            .await
            .unwrap();
        let (assets, orders, _) = rows(&plant).await;
        let known = plant.vendor().oracle().assets;
        for order in orders.iter().filter(|o| o.asset_id.is_some()) {
            let tag = order.asset_id.as_ref().unwrap();
            assert_eq!(
                order.asset_uid.is_some(),
                known.contains_key(tag),
                "{order:?}"
            );
            assert_eq!(
                order.asset_pending.is_none(),
                order.asset_uid.is_some(),
                "{order:?}"
            );
            if let Some(uid) = order.asset_uid {
                assert_eq!(&assets.iter().find(|a| a.id == uid).unwrap().asset_id, tag);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_given_up_goes_on_where_it_stood() {
    let options = ConnectionOptions {
        batch_records: Some(100),
        ..ConnectionOptions::default()
    };
    let plant = Plant::with(UpkeepConfig::default(), Where::Sqlite, options).await;
    let token = CancellationToken::new();
    let fired = token.clone();
    let seen = AtomicUsize::new(0);
    plant.vendor().after_each_request(move |_, request| {
        if request.path.contains("work-orders") && seen.fetch_add(1, Ordering::SeqCst) == 12 {
            fired.cancel();
        }
    });
    let client = plant.client.cancelled_by(token);
    let run = client.sync().all(plant.connection.id).await;
    assert_eq!(run.unwrap_err().code().id(), "CMMS-OP-003");
    let (_, orders, _) = rows(&plant).await;
    // Of 13 pages, five can be on their way: asked for, fetched, sieved, a batch that waits and one that is written.
    assert!(
        (800 - 100..2000).contains(&orders.len()),
        "{}",
        orders.len()
    );
    plant.vendor().clear_requests();
    let run = plant.sync().await;
    assert_eq!((run.status, run.updated), (SyncStatus::Ok, 0), "{run:?}");
    assert_eq!(usize::try_from(run.created).unwrap(), 2000 - orders.len());
    assert_eq!(rows(&plant).await.1.len(), 2000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_or_short_list_deletes_nothing() {
    let _quiet = super::twins::quiet().await;
    let plant = Plant::small(Where::Sqlite).await;
    plant.sync().await;
    let before = rows(&plant).await;
    plant.vendor().empty_lists(true);
    // It had records: that it has none at all is told, and believed the second time.
    let run = plant.sync().await;
    assert_eq!((run.status, run.deleted), (SyncStatus::Partial, 0));
    assert_eq!(run.errors.0[0].code, "CMMS-SYNC-013");
    let run = plant.force().await;
    assert_eq!((run.status, run.deleted), (SyncStatus::Ok, 0));
    assert_eq!(run.errors.0[0].code, "CMMS-SYNC-016");
    assert_eq!(rows(&plant).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_committed_batch_is_one_audit_entry() {
    use cmms::core::domain::audit::AuditEntry;
    let options = ConnectionOptions {
        batch_records: Some(100),
        ..ConnectionOptions::default()
    };
    let plant = Plant::with(UpkeepConfig::default(), Where::Sqlite, options).await;
    plant.sync().await;
    let mut tx = plant
        .store
        .begin(plant.client.scope(), TxMode::Snapshot)
        .await
        .unwrap();
    let entries = tx.of::<AuditEntry>().list(&Query::default()).await.unwrap();
    let batches: Vec<_> = entries
        .iter()
        .filter(|e| e.action == "sync.batch")
        .collect();
    assert!(batches.len() >= 12, "{}", batches.len());
    let mut created: Vec<_> = batches
        .iter()
        .flat_map(|e| &e.batch.as_ref().unwrap().0.records)
        .filter(|r| r.action == "create")
        .map(|r| r.id)
        .collect();
    created.sort_unstable();
    created.dedup();
    assert_eq!(created.len(), 2200);
}
