//! The defects that contract.md lists in section 7 as ones that must stay impossible, by their number there.

use cmms::core::domain::sync_state::{ExternalLink, QuarantineState};
use cmms::core::ports::repository::TxExt as _;
use cmms::core::ports::store::{Query, TxMode};
use cmms::{Asset, ListQuarantine, StartSync, SyncStatus, WorkOrder};
use cmms_sim::Fault;
use cmms_sim::upkeep::SimEntity;
use cmms_tests::oracle::{ALL, differences};
use cmms_tests::{Plant, Where};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const PLACES: [Where; 2] = [Where::Memory, Where::Sqlite];

async fn stored(plant: &Plant) -> (Vec<Asset>, Vec<WorkOrder>, Vec<ExternalLink>) {
    let scope = plant.client.scope();
    let mut tx = plant.store.begin(scope, TxMode::Snapshot).await.unwrap();
    (
        tx.of::<Asset>().list(&Query::default()).await.unwrap(),
        tx.of::<WorkOrder>().list(&Query::default()).await.unwrap(),
        tx.of::<ExternalLink>()
            .list(&Query::default())
            .await
            .unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn case_1_a_second_sync_of_unchanged_data_creates_and_updates_nothing() {
    for place in PLACES {
        let plant = Plant::small(place).await;
        let first = plant.sync().await;
        assert_eq!((first.status, first.created), (SyncStatus::Ok, 140));
        let before = stored(&plant).await;
        for run in [plant.sync().await, plant.force().await] {
            assert_eq!(run.status, SyncStatus::Ok);
            assert_eq!(
                (run.created, run.updated, run.deleted),
                (0, 0, 0),
                "{run:?}"
            );
        }
        assert_eq!(stored(&plant).await, before, "{place:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_1_a_record_that_comes_twice_in_a_batch_is_one_row() {
    for place in PLACES {
        let plant = Plant::small(place).await;
        for list in ["assets", "work-orders"] {
            plant.vendor().inject(Fault::RecordTwice.on(list).always());
        }
        let run = plant.sync().await;
        plant.vendor().end_faults();
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 140), "{run:?}");
        let (assets, orders, links) = stored(&plant).await;
        assert_eq!((assets.len(), orders.len(), links.len()), (20, 120, 140));
        let ids: BTreeSet<_> = links.iter().map(|l| (l.entity, &l.external_id)).collect();
        assert_eq!(ids.len(), 140, "{place:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_2_work_orders_that_arrive_before_their_assets_are_linked_at_the_end() {
    for place in PLACES {
        let plant = Plant::small(place).await;
        let id = plant.connection.id;
        let run = plant.client.sync().work_orders(id).await.unwrap();
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 120), "{run:?}");
        let (assets, orders, _) = stored(&plant).await;
        assert!(assets.is_empty(), "only work orders were asked for");
        let named = orders.iter().filter(|o| o.asset_id.is_some()).count();
        assert!(named > 0, "no work order names an asset");
        assert!(orders.iter().all(|o| o.asset_uid.is_none()));
        let run = plant.client.sync().assets(id).await.unwrap();
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 20), "{run:?}");
        let (assets, orders, _) = stored(&plant).await;
        for order in orders.iter().filter(|o| o.asset_id.is_some()) {
            // Some name an asset that the vendor does not have.
            let tag = order.asset_id.as_ref();
            let named = assets.iter().find(|a| Some(&a.asset_id) == tag);
            assert_eq!(order.asset_uid, named.map(|a| a.id), "{place:?} {order:?}");
        }
        let linked = orders.iter().filter(|o| o.asset_uid.is_some()).count();
        assert!(linked > named / 2, "{linked} of {named} are linked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_3_what_cannot_be_read_is_told_by_field_and_neither_zero_nor_empty_nor_gone() {
    let cases: [(&str, Value, &str); 5] = [
        ("title", json!(null), "missing_field"),
        ("title", json!(""), "missing_field"),
        ("cost", json!("a lot"), "bad_number"),
        ("dueDate", json!("31.12.2026"), "bad_date"),
        ("dateCompleted", json!({}), "bad_date"),
    ];
    for place in PLACES {
        let plant = Plant::small(place).await;
        let whole = plant.vendor().oracle().work_orders;
        let ids: Vec<&String> = whole.keys().take(cases.len()).collect();
        for (id, (field, value, _)) in ids.iter().zip(&cases) {
            let mut record = whole[*id].clone();
            record[*field] = value.clone();
            plant.vendor().set_raw(SimEntity::WorkOrder, id, record);
        }
        let run = plant.sync().await;
        assert_eq!(run.status, SyncStatus::Partial, "{run:?}");
        assert_eq!((run.created, run.quarantined), (135, 5));
        let (_, orders, links) = stored(&plant).await;
        assert_eq!(orders.len(), 115, "the others came in");
        assert!(orders.iter().all(|o| !o.title.is_empty()));
        let waiting = plant.client.quarantine().list(ListQuarantine::new());
        let waiting = waiting.await.unwrap().items;
        for (id, (field, value, reason)) in ids.iter().zip(&cases) {
            assert!(
                links.iter().all(|l| l.external_id != **id),
                "{id} is stored"
            );
            let item = waiting.iter().find(|i| i.external_id == **id).unwrap();
            assert_eq!((&*item.field, &*item.reason), (*field, *reason));
            let raw: Value = serde_json::from_str(&item.raw.0).unwrap();
            assert_eq!(&raw[*field], value, "the record is kept as it came");
            let told = run.errors.0.iter();
            let mut told = told.filter(|e| e.external_id.as_deref() == Some(id.as_str()));
            assert_eq!(told.next().unwrap().field.as_deref(), Some(*field));
        }
        // Corrected at the vendor, they come in and nothing waits.
        for id in ids {
            plant
                .vendor()
                .set_raw(SimEntity::WorkOrder, id, whole[id].clone());
        }
        let run = plant.force().await;
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 5), "{run:?}");
        let open = plant.client.quarantine().list(ListQuarantine::new());
        let open = open.await.unwrap().items;
        assert!(open.iter().all(|i| i.state != QuarantineState::Open));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_4_without_a_mapping_the_default_one_fills_every_record() {
    for place in PLACES {
        let plant = Plant::small(place).await;
        let input = StartSync::new(plant.connection.id);
        let run = plant.client.sync().all(input).await.unwrap();
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 140), "{run:?}");
        let (client, store) = (&plant.client, plant.store.as_ref());
        // The oracle reads the vendor's records by itself, without any mapping of ours.
        let wrong = differences(client, store, plant.vendor(), plant.connection.id, ALL).await;
        assert!(wrong.is_empty(), "{place:?}: {:?}", wrong.first());
        let (assets, orders, _) = stored(&plant).await;
        assert!(assets.iter().all(|a| !a.name.is_empty()));
        assert!(orders.iter().all(|o| !o.title.is_empty()));
    }
}
