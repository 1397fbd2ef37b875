//! What a mapping changes, when, and what goes back when it is gone.

use crate::{PLACES, all, asset_of, columns, map, order_of, orders, waiting};
use cmms::core::domain::sync_state::ExternalLink;
use cmms::{Asset, Priority, SyncStatus, UpdateWorkOrder, WorkOrder};
use cmms_sim::upkeep::SimEntity;
use cmms_tests::{Plant, Where, oracle};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Which columns of which records differ; the version and the time of the change are no content.
async fn changed(plant: &Plant, before: &Before) -> BTreeSet<&'static str> {
    let after = Before::of(plant).await;
    let mut names = BTreeSet::new();
    for (old, new) in [
        (&before.orders, &after.orders),
        (&before.assets, &after.assets),
    ] {
        assert_eq!(
            old.keys().collect::<Vec<_>>(),
            new.keys().collect::<Vec<_>>()
        );
        for (id, row) in old {
            let differs = |(name, value): (&&'static str, &String)| {
                (new[id][name] != *value).then_some(*name)
            };
            names.extend(row.iter().filter_map(differs));
        }
    }
    names.remove("version");
    names.remove("updated_at");
    names
}

type Rows =
    std::collections::BTreeMap<uuid::Uuid, std::collections::BTreeMap<&'static str, String>>;

#[derive(PartialEq, Debug)]
struct Before {
    orders: Rows,
    assets: Rows,
}

impl Before {
    async fn of(plant: &Plant) -> Self {
        Self {
            orders: columns::<WorkOrder>(plant, |o| o.id.0).await,
            assets: columns::<Asset>(plant, |a| a.id.0).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_mapping_changes_exactly_the_mapped_fields_on_the_next_force_sync() {
    for place in PLACES {
        let plant = Plant::small(place).await;
        plant.sync().await;
        let before = Before::of(&plant).await;
        let upper = json!({ "type": "string_manipulation", "steps": ["upper"] });
        let title = map(&plant, "title", "work_order.title", upper)
            .await
            .unwrap();
        let shift = map(
            &plant,
            "customFields.0.value",
            "work_order.custom_fields.shift",
            Value::Null,
        )
        .await
        .unwrap();
        let urgent = json!({ "type": "conditional", "if": { "op": "eq", "value": 3 }, "then": "critical", "else": "low" });
        let urgent = map(&plant, "priority", "work_order.priority", urgent)
            .await
            .unwrap();
        let maker = map(
            &plant,
            "model",
            "asset.manufacturer",
            json!({ "type": "substring", "length": 2 }),
        )
        .await
        .unwrap();
        // What did not change at the vendor stays as it is until everything is read again.
        assert_eq!(plant.sync().await.status, SyncStatus::Ok);
        let run = plant.force().await;
        assert_eq!(
            (run.status, run.created, run.deleted),
            (SyncStatus::Ok, 0, 0)
        );
        let names = changed(&plant, &before).await;
        assert_eq!(
            names,
            ["custom_fields", "manufacturer", "priority", "title"].into()
        );
        let oracle = plant.vendor().oracle();
        for (external, raw) in &oracle.work_orders {
            if raw["archived"] == json!(true) {
                continue;
            }
            let order = order_of(&plant, external).await;
            let title = raw["title"].as_str().unwrap().to_uppercase();
            let line = |c: char| if c.is_control() { ' ' } else { c };
            assert_eq!(order.title, title.chars().map(line).collect::<String>());
            assert_eq!(
                order.custom_fields.get("shift"),
                raw["customFields"][0].get("value")
            );
            let is_urgent = raw["priority"] == json!(3) || raw["priority"] == json!("3");
            assert_eq!(
                order.priority,
                if is_urgent {
                    Priority::Critical
                } else {
                    Priority::Low
                }
            );
        }
        // Once more: nothing is written.
        let stored = Before::of(&plant).await;
        let again = plant.force().await;
        assert_eq!((again.created, again.updated, again.unchanged), (0, 0, 140));
        assert_eq!(Before::of(&plant).await, stored);
        // Without the mappings everything is as it was.
        for id in [title.id, shift.id, urgent.id, maker.id] {
            plant.client.mappings().delete(id).await.unwrap();
        }
        plant.force().await;
        assert_eq!(changed(&plant, &before).await, BTreeSet::new());
        oracle::assert_equal(
            &plant.client,
            &*plant.store,
            plant.vendor(),
            plant.connection.id,
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_records_come_in_by_the_new_mapping_without_a_full_sync() {
    let plant = Plant::small(Where::Sqlite).await;
    plant.sync().await;
    let id = plant
        .vendor()
        .oracle()
        .work_orders
        .keys()
        .next()
        .unwrap()
        .clone();
    let before = orders(&plant).await;
    map(
        &plant,
        "title",
        "work_order.title",
        json!({ "type": "string_manipulation", "steps": [{ "op": "prefix", "value": "UK " }] }),
    )
    .await
    .unwrap();
    plant
        .vendor()
        .update(SimEntity::WorkOrder, &id, json!({ "description": "new" }));
    let run = plant.sync().await;
    assert_eq!(run.status, SyncStatus::Ok);
    let order = order_of(&plant, &id).await;
    assert_eq!(order.title, format!("UK {}", before[&order.id.0].title));
    assert_eq!(order.description.as_deref(), Some("new"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_mappings_in_another_order_are_the_same_revision() {
    let plant = Plant::small(Where::Memory).await;
    plant.sync().await;
    let pairs = [
        ("title", "work_order.safety_notes"),
        ("id", "work_order.custom_fields.theirs"),
        ("model", "asset.department"),
    ];
    let mut ids = Vec::new();
    for (source, target) in pairs {
        ids.push(map(&plant, source, target, Value::Null).await.unwrap().id);
    }
    plant.force().await;
    for id in ids {
        plant.client.mappings().delete(id).await.unwrap();
    }
    for (source, target) in pairs.iter().rev() {
        map(&plant, source, target, Value::Null).await.unwrap();
    }
    let run = plant.force().await;
    assert_eq!((run.updated, run.unchanged), (0, 140), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_own_field_stays_beside_a_mapped_one() {
    for place in PLACES {
        let plant = Plant::small(place).await;
        let shift = map(
            &plant,
            "customFields.0.value",
            "work_order.custom_fields.shift",
            Value::Null,
        )
        .await
        .unwrap();
        plant.sync().await;
        let id = plant
            .vendor()
            .oracle()
            .work_orders
            .keys()
            .next()
            .unwrap()
            .clone();
        let order = order_of(&plant, &id).await;
        let mut fields = order.custom_fields.clone();
        fields.insert("ours".into(), json!(1));
        let edit = UpdateWorkOrder::new(order.id).custom_fields(fields);
        plant.client.work_orders().update(edit).await.unwrap();
        plant.vendor().update(
            SimEntity::WorkOrder,
            &id,
            json!({ "customFields": [{ "name": "Shift", "value": "moon" }] }),
        );
        plant.sync().await;
        let fields = order_of(&plant, &id).await.custom_fields;
        assert_eq!(Value::Object(fields), json!({ "ours": 1, "shift": "moon" }));
        plant.client.mappings().delete(shift.id).await.unwrap();
        plant.force().await;
        let fields = order_of(&plant, &id).await.custom_fields;
        assert_eq!(Value::Object(fields), json!({ "ours": 1 }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_without_a_rule_is_one_of_ours_or_the_vendors_or_stays_beside() {
    let plant = Plant::small(Where::Sqlite).await;
    let ids: Vec<_> = plant
        .vendor()
        .oracle()
        .work_orders
        .keys()
        .take(3)
        .cloned()
        .collect();
    for (id, word) in ids.iter().zip(["Critical", "3", "on fire"]) {
        plant
            .vendor()
            .update(SimEntity::WorkOrder, id, json!({ "x_urgency": word }));
    }
    map(&plant, "x_urgency", "work_order.priority", Value::Null)
        .await
        .unwrap();
    plant.sync().await;
    let mut found = Vec::new();
    for id in &ids {
        let order = order_of(&plant, id).await;
        let beside = order.external[0].vendor_values.get("priority").cloned();
        found.push((order.priority, beside));
    }
    assert_eq!(
        found,
        [
            (Priority::Critical, None),
            (Priority::High, None),
            (Priority::Medium, Some(json!("on fire"))),
        ]
    );
    let links = all::<ExternalLink>(&plant).await;
    assert!(
        links
            .iter()
            .all(|l| l.supplied.as_ref().is_none_or(|s| !s.0.is_empty()))
    );
}

/// Contract 7, case 3, for mappings of the user.
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_fails_quarantines_the_record_with_field_value_and_rule() {
    let plant = Plant::small(Where::Sqlite).await;
    let ids: Vec<_> = plant
        .vendor()
        .oracle()
        .work_orders
        .keys()
        .take(2)
        .cloned()
        .collect();
    plant
        .vendor()
        .update(SimEntity::WorkOrder, &ids[0], json!({ "x_grade": "Z9" }));
    let table = json!({ "type": "lookup", "table": { "A1": "high" } });
    let id = map(&plant, "x_grade", "work_order.priority", table)
        .await
        .unwrap()
        .id;
    let run = plant.sync().await;
    assert_eq!(
        (run.status, run.quarantined),
        (SyncStatus::Partial, 1),
        "{run:?}"
    );
    let item = &waiting(&plant).await[0];
    assert_eq!(
        (
            item.external_id.as_str(),
            item.field.as_str(),
            item.reason.as_str()
        ),
        (ids[0].as_str(), "x_grade", "not_in_table")
    );
    for part in ["\"Z9\"", "lookup", "priority"] {
        assert!(item.detail.contains(part), "{}", item.detail);
    }
    plant.client.mappings().delete(id).await.unwrap();
    // A field that must be there.
    let needed = cmms::CreateMapping::new(
        plant.connection.id,
        "x_grade",
        "work_order.custom_fields.grade",
    )
    .is_required(true);
    plant.client.mappings().create(needed).await.unwrap();
    let run = plant.force().await;
    assert_eq!(run.quarantined, 119, "{run:?}");
    let item = waiting(&plant)
        .await
        .into_iter()
        .find(|i| i.external_id == ids[1])
        .unwrap();
    assert_eq!(
        (item.field.as_str(), item.reason.as_str()),
        ("x_grade", "missing_field")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_operations_would_refuse_is_quarantined() {
    let plant = Plant::small(Where::Sqlite).await;
    let cases = [
        ("title", json!("x".repeat(1_001)), "too_long"),
        ("title", json!("x".repeat(10 << 20)), "too_long"),
        ("description", json!("x".repeat(20_001)), "too_long"),
        ("cost", json!(-5), "out_of_range"),
        ("dueDate", json!("-0001-01-01T00:00:00Z"), "bad_date"),
    ];
    let ids: Vec<_> = plant
        .vendor()
        .oracle()
        .work_orders
        .keys()
        .take(cases.len() + 2)
        .cloned()
        .collect();
    for (id, (field, value, _)) in ids.iter().zip(&cases) {
        plant
            .vendor()
            .update(SimEntity::WorkOrder, id, json!({ *field: value }));
    }
    // At the limit, in characters and not in octets, is not beyond it.
    let (edge, tags) = (&ids[cases.len()], &ids[cases.len() + 1]);
    plant.vendor().update(
        SimEntity::WorkOrder,
        edge,
        json!({ "title": "ä".repeat(1_000) }),
    );
    plant.vendor().update(
        SimEntity::WorkOrder,
        tags,
        json!({ "x_tags": vec!["t"; 101] }),
    );
    map(&plant, "x_tags", "work_order.tags", Value::Null)
        .await
        .unwrap();
    let run = plant.sync().await;
    assert_eq!(run.quarantined, 6, "{run:?}");
    let items = waiting(&plant).await;
    let mut want: Vec<_> = ids
        .iter()
        .zip(&cases)
        .map(|(id, (field, _, reason))| (id.as_str(), *field, *reason))
        .collect();
    want.push((tags, "x_tags", "too_many"));
    for (id, field, reason) in want {
        let item = items.iter().find(|i| i.external_id == id).unwrap();
        assert_eq!(
            (item.field.as_str(), item.reason.as_str()),
            (field, reason),
            "{}",
            item.detail
        );
        assert!(item.detail.len() < 1_000);
    }
    assert_eq!(order_of(&plant, edge).await.title.chars().count(), 1_000);
    let asset = plant
        .vendor()
        .oracle()
        .assets
        .keys()
        .next()
        .unwrap()
        .clone();
    assert!(!asset_of(&plant, &asset).await.name.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_must_be_there_is_not_made_up() {
    let plant = Plant::small(Where::Memory).await;
    let id = plant
        .vendor()
        .oracle()
        .work_orders
        .keys()
        .next()
        .unwrap()
        .clone();
    plant
        .vendor()
        .update(SimEntity::WorkOrder, &id, json!({ "x_urgency": "high" }));
    let needed = cmms::CreateMapping::new(plant.connection.id, "x_urgency", "work_order.priority")
        .is_required(true);
    plant.client.mappings().create(needed).await.unwrap();
    let run = plant.sync().await;
    assert_eq!(run.quarantined, 119, "{run:?}");
    assert_eq!(order_of(&plant, &id).await.priority, Priority::High);
    assert!(
        waiting(&plant)
            .await
            .iter()
            .all(|i| (i.field.as_str(), i.reason.as_str()) == ("x_urgency", "missing_field"))
    );
}
