//! Records that cannot be stored.

use cmms::core::domain::sync_state::QuarantineState;
use cmms::{ListQuarantine, ListWorkOrders, SyncStatus};
use cmms_sim::upkeep::SimEntity;
use cmms_tests::{Plant, Where};
use serde_json::{Value, json};

/// Contract 7, case 3.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_record_is_quarantined_with_field_and_reason_and_stops_nobody() {
    let cases: [(&str, Value, &str); 7] = [
        ("title", json!(""), "missing_field"),
        ("title", json!(null), "missing_field"),
        ("title", json!({ "text": "x" }), "wrong_type"),
        ("dueDate", json!("tomorrow"), "bad_date"),
        ("dateCompleted", json!([1]), "bad_date"),
        ("cost", json!("a lot"), "bad_number"),
        ("description", json!("a\u{0}b"), "nul_character"),
    ];
    for place in [Where::Memory, Where::Sqlite] {
        let plant = Plant::small(place).await;
        let oracle = plant.vendor().oracle();
        let ids: Vec<String> = oracle
            .work_orders
            .keys()
            .take(cases.len())
            .cloned()
            .collect();
        for (id, (field, value, _)) in ids.iter().zip(&cases) {
            let mut record = oracle.work_orders[id].clone();
            record[*field] = value.clone();
            plant.vendor().set_raw(SimEntity::WorkOrder, id, record);
        }
        let run = plant.sync().await;
        assert_eq!(run.status, SyncStatus::Partial);
        assert_eq!((run.created, run.quarantined), (140 - 7, 7), "{run:?}");
        let items = plant
            .client
            .quarantine()
            .list(ListQuarantine::new())
            .await
            .unwrap()
            .items;
        for (id, (field, value, reason)) in ids.iter().zip(&cases) {
            let item = items.iter().find(|i| i.external_id == *id).unwrap();
            assert_eq!(
                (item.field.as_str(), item.reason.as_str()),
                (*field, *reason),
                "{item:?}"
            );
            let raw: Value = serde_json::from_str(&item.raw.0).unwrap();
            assert_eq!(&raw[*field], value);
            let error = run
                .errors
                .0
                .iter()
                .find(|e| e.external_id.as_ref() == Some(id))
                .unwrap();
            assert_eq!(
                (error.code.as_str(), error.field.as_deref()),
                ("CMMS-SYNC-004", Some(*field))
            );
        }
        // Nothing new at the vendor: the run still says that records are missing.
        let again = plant.sync().await;
        assert_eq!(again.status, SyncStatus::Partial, "{again:?}");
        assert!(!again.errors.0.is_empty());
        // Corrected at the vendor, they come in and the waiting ends.
        for id in &ids {
            plant
                .vendor()
                .set_raw(SimEntity::WorkOrder, id, oracle.work_orders[id].clone());
            plant.vendor().update(
                SimEntity::WorkOrder,
                id,
                json!({ "description": "corrected" }),
            );
        }
        let healed = plant.sync().await;
        assert_eq!(
            (healed.status, healed.created),
            (SyncStatus::Ok, 7),
            "{healed:?}"
        );
        assert!(
            plant
                .client
                .quarantine()
                .list(ListQuarantine::new())
                .await
                .unwrap()
                .items
                .is_empty()
        );
        let resolved = ListQuarantine::new().state(QuarantineState::Resolved);
        assert_eq!(
            plant
                .client
                .quarantine()
                .list(resolved)
                .await
                .unwrap()
                .items
                .len(),
            7
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_without_an_id_is_kept_in_quarantine() {
    let plant = Plant::small(Where::Sqlite).await;
    let (id, mut record) = plant.vendor().oracle().assets.into_iter().next().unwrap();
    record["id"] = json!(null);
    plant.vendor().set_raw(SimEntity::Asset, &id, record);
    let run = plant.sync().await;
    assert_eq!(
        (run.status, run.quarantined),
        (SyncStatus::Partial, 1),
        "{run:?}"
    );
    let items = plant
        .client
        .quarantine()
        .list(ListQuarantine::new())
        .await
        .unwrap()
        .items;
    assert!(items[0].external_id.starts_with("digest:"));
    assert_eq!(items[0].field, "id");
}

/// Contract 7, case 4, and the words of the vendor that have no counterpart here.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_mapping_of_the_user_the_vendors_default_mapping_counts() {
    let plant = Plant::start().await;
    plant.sync().await;
    let mut unknown = 0;
    let mut ask = ListWorkOrders::new().limit(500u32);
    loop {
        let page = plant.client.work_orders().list(ask.clone()).await.unwrap();
        for order in page.items {
            assert!(!order.title.trim().is_empty());
            let external = &order.external[0];
            assert_eq!(external.cmms_connection_id, plant.connection.id);
            unknown += usize::from(external.vendor_values.contains_key("status"));
        }
        match page.next {
            Some(cursor) => ask = ask.cursor(cursor),
            None => break,
        }
    }
    assert!(
        unknown > 0,
        "the simulator has statuses that are none of ours"
    );
}
