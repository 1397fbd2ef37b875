//! Quarantined records that come in after all, and those that are left out.

use crate::{PLACES, actions, all, map, order_of, waiting};
use cmms::core::domain::sync_state::{Checkpoint, QuarantineState};
use cmms::core::ids::QuarantineId;
use cmms::core::ports::repository::TxExt;
use cmms::core::ports::store::{SaveRule, TxMode};
use cmms::{Entity, ListQuarantine, Priority, SyncStatus, WorkOrder};
use cmms_sim::fault::Fault;
use cmms_sim::upkeep::SimEntity;
use cmms_tests::{Plant, oracle};
use serde_json::{Value, json};

/// A plant whose first work orders cannot be read: their cost is no number.
async fn broken(place: cmms_tests::Where, how_many: usize) -> (Plant, Vec<String>) {
    let plant = Plant::small(place).await;
    let ids: Vec<_> = plant
        .vendor()
        .oracle()
        .work_orders
        .keys()
        .take(how_many)
        .cloned()
        .collect();
    for id in &ids {
        plant
            .vendor()
            .update(SimEntity::WorkOrder, id, json!({ "cost": "12 EUR" }));
    }
    let run = plant.sync().await;
    assert_eq!(
        (run.status, run.quarantined),
        (SyncStatus::Partial, how_many as i64),
        "{run:?}"
    );
    (plant, ids)
}

/// Reads the number in front of the currency.
fn euros() -> Value {
    json!({ "type": "string_manipulation", "steps": [{ "op": "strip_suffix", "value": " EUR" }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_mapping_heals_at_the_next_sync_from_what_is_stored() {
    for place in PLACES {
        // More than are looked at together.
        let (plant, ids) = broken(place, 40).await;
        let before = waiting(&plant).await;
        let checkpoints = all::<Checkpoint>(&plant).await;
        // The vendor does not send them again.
        let hidden = ids.clone();
        plant.vendor().hide_where(SimEntity::WorkOrder, move |r| {
            hidden.iter().any(|id| r["id"] == json!(id))
        });
        // As long as nothing is corrected, a sync leaves them as they are.
        let again = plant.sync().await;
        assert_eq!(
            (again.status, again.quarantined, again.created),
            (SyncStatus::Partial, 0, 0),
            "{again:?}"
        );
        assert_eq!(waiting(&plant).await, before);
        map(&plant, "cost", "work_order.actual_cost", euros())
            .await
            .unwrap();
        let healed = plant.sync().await;
        assert_eq!(
            (healed.status, healed.created),
            (SyncStatus::Ok, 40),
            "{healed:?}"
        );
        assert!(waiting(&plant).await.is_empty());
        for id in &ids {
            assert_eq!(
                order_of(&plant, id).await.actual_cost.unwrap().to_string(),
                "12.00"
            );
        }
        // No checkpoint went ahead because of it.
        let same = |c: &Checkpoint| (c.entity, c.position.clone(), c.high_water);
        let after = all::<Checkpoint>(&plant).await;
        assert_eq!(
            after.iter().map(same).collect::<Vec<_>>(),
            checkpoints.iter().map(same).collect::<Vec<_>>()
        );
        let resolved = ListQuarantine::new()
            .state(QuarantineState::Resolved)
            .limit(500_u32);
        let resolved = plant
            .client
            .quarantine()
            .list(resolved)
            .await
            .unwrap()
            .items;
        assert_eq!(resolved.len(), 40);
        let settled = plant.sync().await;
        assert_eq!(
            (settled.status, settled.created, settled.updated),
            (SyncStatus::Ok, 0, 0)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_reason_is_written_down_and_the_same_one_is_not() {
    let (plant, ids) = broken(PLACES[1], 1).await;
    let first = waiting(&plant).await.remove(0);
    assert_eq!(
        (first.field.as_str(), first.reason.as_str(), first.attempts),
        ("cost", "bad_number", 1)
    );
    let hidden = ids[0].clone();
    plant
        .vendor()
        .hide_where(SimEntity::WorkOrder, move |r| r["id"] == json!(hidden));
    map(
        &plant,
        "x_missing",
        "work_order.status",
        json!({ "type": "conditional", "if": { "op": "missing" }, "then": { "field": "title" } }),
    )
    .await
    .unwrap();
    let run = plant.sync().await;
    assert_eq!(run.status, SyncStatus::Partial);
    let second = waiting(&plant)
        .await
        .into_iter()
        .find(|i| i.external_id == ids[0])
        .unwrap();
    assert_eq!(
        (second.reason.as_str(), second.attempts),
        ("unknown_value", 2),
        "{second:?}"
    );
    assert_eq!(
        (second.id, second.first_seen_at, second.last_seen_at),
        (first.id, first.first_seen_at, first.last_seen_at)
    );
    plant.sync().await;
    let third = waiting(&plant)
        .await
        .into_iter()
        .find(|i| i.external_id == ids[0])
        .unwrap();
    assert_eq!(third, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_brings_one_record_in_or_says_why_not() {
    for place in PLACES {
        let (plant, ids) = broken(place, 2).await;
        let items = waiting(&plant).await;
        let one = items.iter().find(|i| i.external_id == ids[0]).unwrap();
        plant.vendor().clear_requests();
        let still = plant.client.quarantine().retry(one.id).await.unwrap();
        assert_eq!(
            (still.state, still.attempts, still.version),
            (QuarantineState::Open, 2, 2)
        );
        assert_eq!(
            (still.reason.as_str(), still.raw.0.as_ref()),
            ("bad_number", one.raw.0.as_ref())
        );
        map(&plant, "cost", "work_order.actual_cost", euros())
            .await
            .unwrap();
        let done = plant.client.quarantine().retry(one.id).await.unwrap();
        assert_eq!(done.state, QuarantineState::Resolved);
        assert!(
            plant.vendor().requests().is_empty(),
            "the vendor is not asked"
        );
        let order = order_of(&plant, &ids[0]).await;
        assert_eq!(order.actual_cost.unwrap().to_string(), "12.00");
        // The other one still waits; a second retry changes nothing.
        assert_eq!(waiting(&plant).await.len(), 1);
        let count = all::<WorkOrder>(&plant).await.len();
        assert_eq!(plant.client.quarantine().retry(one.id).await.unwrap(), done);
        assert_eq!(all::<WorkOrder>(&plant).await.len(), count);
        let actions = actions(&plant).await;
        assert_eq!(
            actions.iter().filter(|a| *a == "quarantine.retry").count(),
            2
        );
        let e = plant
            .client
            .quarantine()
            .retry(QuarantineId(uuid::Uuid::nil()))
            .await
            .unwrap_err();
        assert_eq!(
            (e.code().id(), e.first_field()),
            ("CMMS-SYNC-007", Some("quarantine_id"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discarded_record_stays_out_until_another_form_of_it_comes() {
    for place in PLACES {
        let (plant, ids) = broken(place, 2).await;
        let item = waiting(&plant)
            .await
            .into_iter()
            .find(|i| i.external_id == ids[0])
            .unwrap();
        let out = plant.client.quarantine().discard(item.id).await.unwrap();
        assert_eq!((out.state, out.version), (QuarantineState::Discarded, 2));
        assert_eq!(
            plant.client.quarantine().discard(item.id).await.unwrap(),
            out
        );
        assert_eq!(waiting(&plant).await.len(), 1);
        // The same form again, also with everything read again, is left out and not counted.
        let run = plant.force().await;
        assert_eq!(run.quarantined, 1, "{run:?}");
        assert_eq!(waiting(&plant).await.len(), 1);
        // A later good form comes in.
        plant
            .vendor()
            .update(SimEntity::WorkOrder, &ids[0], json!({ "cost": 12 }));
        plant
            .vendor()
            .update(SimEntity::WorkOrder, &ids[1], json!({ "cost": 13 }));
        let run = plant.sync().await;
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 2), "{run:?}");
        oracle::assert_equal(
            &plant.client,
            &*plant.store,
            plant.vendor(),
            plant.connection.id,
        )
        .await;
        let items = ListQuarantine::new().state(QuarantineState::Resolved);
        let resolved = plant.client.quarantine().list(items).await.unwrap().items;
        let e = plant
            .client
            .quarantine()
            .discard(resolved[0].id)
            .await
            .unwrap_err();
        assert_eq!(
            (e.code().id(), e.first_field()),
            ("CMMS-SYNC-008", Some("quarantine_id"))
        );
        // Another bad form of one that was discarded waits again.
        plant
            .vendor()
            .update(SimEntity::WorkOrder, &ids[0], json!({ "cost": "lots" }));
        plant.sync().await;
        assert_eq!(waiting(&plant).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_form_that_waited_never_takes_the_place_of_a_newer_one() {
    for place in PLACES {
        let (plant, ids) = broken(place, 1).await;
        let mut item = waiting(&plant).await.remove(0);
        plant.vendor().update(
            SimEntity::WorkOrder,
            &ids[0],
            json!({ "cost": 99, "title": "newer" }),
        );
        plant.sync().await;
        // Somebody opens the old form again behind our back.
        item.version += 2;
        let mut tx = plant
            .store
            .begin(plant.client.scope(), TxMode::Write)
            .await
            .unwrap();
        tx.of().save(&item, SaveRule::Update).await.unwrap();
        tx.commit().await.unwrap();
        map(&plant, "cost", "work_order.actual_cost", euros())
            .await
            .unwrap();
        let run = plant.sync().await;
        assert_eq!(run.status, SyncStatus::Ok, "{run:?}");
        let order = order_of(&plant, &ids[0]).await;
        assert_eq!(
            (
                order.title.as_str(),
                order.actual_cost.unwrap().to_string().as_str()
            ),
            ("newer", "99.00")
        );
        assert!(waiting(&plant).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_good_before_heals_into_the_same_record() {
    let plant = Plant::small(PLACES[1]).await;
    plant.sync().await;
    let id = plant
        .vendor()
        .oracle()
        .work_orders
        .keys()
        .next()
        .unwrap()
        .clone();
    let before = order_of(&plant, &id).await;
    plant.vendor().update(
        SimEntity::WorkOrder,
        &id,
        json!({ "cost": "7 EUR", "priority": 3 }),
    );
    assert_eq!(plant.sync().await.quarantined, 1);
    assert_eq!(order_of(&plant, &id).await.updated_at, before.updated_at);
    map(&plant, "cost", "work_order.actual_cost", euros())
        .await
        .unwrap();
    let item = waiting(&plant).await.remove(0);
    plant.client.quarantine().retry(item.id).await.unwrap();
    let after = order_of(&plant, &id).await;
    assert_eq!(
        (after.id, after.number, after.version),
        (before.id, before.number, before.version + 1)
    );
    assert_eq!(
        (
            after.actual_cost.unwrap().to_string().as_str(),
            after.priority
        ),
        ("7.00", Priority::High)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quarantine_is_listed_by_connection_kind_and_state() {
    let (plant, ids) = broken(PLACES[1], 2).await;
    let asset = plant
        .vendor()
        .oracle()
        .assets
        .keys()
        .next()
        .unwrap()
        .clone();
    plant
        .vendor()
        .update(SimEntity::Asset, &asset, json!({ "name": "" }));
    plant.sync().await;
    let list = async |ask: ListQuarantine| plant.client.quarantine().list(ask).await.unwrap().items;
    let of = |items: Vec<cmms::QuarantineItem>| -> Vec<String> {
        items.into_iter().map(|i| i.external_id).collect()
    };
    let ask = || ListQuarantine::new().cmms_connection_id(plant.connection.id);
    assert_eq!(of(list(ask().entity(Entity::Asset)).await), [asset]);
    assert_eq!(of(list(ask().entity(Entity::WorkOrder)).await).len(), 2);
    assert_eq!(list(ask().state(QuarantineState::Discarded)).await.len(), 0);
    let nobody =
        ListQuarantine::new().cmms_connection_id(cmms::core::ids::ConnectionId(uuid::Uuid::nil()));
    assert_eq!(list(nobody).await.len(), 0);
    let item = list(ask().entity(Entity::WorkOrder)).await.remove(0);
    let raw: Value = serde_json::from_str(&item.raw.0).unwrap();
    assert_eq!(
        (&raw["cost"], &raw["id"]),
        (&json!("12 EUR"), &json!(ids[0]))
    );
    // A record without an id cannot be healed by a mapping.
    let mut nameless = plant
        .vendor()
        .oracle()
        .assets
        .values()
        .nth(1)
        .unwrap()
        .clone();
    let id = nameless["id"].as_str().unwrap().to_owned();
    nameless["id"] = Value::Null;
    plant.vendor().set_raw(SimEntity::Asset, &id, nameless);
    plant.force().await;
    let item = list(ask().entity(Entity::Asset))
        .await
        .into_iter()
        .find(|i| i.external_id.starts_with("digest:"))
        .unwrap();
    let still = plant.client.quarantine().retry(item.id).await.unwrap();
    assert_eq!(
        (still.state, still.attempts, still.field.as_str()),
        (QuarantineState::Open, item.attempts + 1, "id")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn records_heal_while_the_vendor_cannot_be_reached() {
    let (plant, ids) = broken(PLACES[1], 3).await;
    map(&plant, "cost", "work_order.actual_cost", euros())
        .await
        .unwrap();
    plant.vendor().fail_next(1_000, 403, None);
    let run = plant.sync().await;
    assert_eq!(
        (run.status, run.created),
        (SyncStatus::Failed, 3),
        "{run:?}"
    );
    assert!(waiting(&plant).await.is_empty());
    order_of(&plant, &ids[0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_does_not_run_into_a_sync() {
    let (plant, _) = broken(PLACES[1], 1).await;
    let item = waiting(&plant).await.remove(0);
    plant.vendor().inject(Fault::NoAnswer.on("work-orders"));
    let sync = plant
        .client
        .sync()
        .work_orders(cmms::StartSync::new(plant.connection.id));
    let retry = async {
        plant.vendor().held().await;
        let told = plant.client.quarantine().retry(item.id).await;
        plant.vendor().release();
        told
    };
    let (run, told) = tokio::join!(sync, retry);
    let e = told.unwrap_err();
    assert_eq!(e.code().id(), "CMMS-SYNC-001");
    assert_eq!(
        e.subject_of(),
        Some(("run_id", run.unwrap().id.to_string().as_str()))
    );
    // Afterwards the lease is free again, and a retry leaves it free.
    plant.client.quarantine().retry(item.id).await.unwrap();
    assert_eq!(plant.sync().await.status, SyncStatus::Partial);
}
