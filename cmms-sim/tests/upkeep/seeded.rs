//! The seeded data and its odd values.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use cmms_sim::upkeep::{Oracle, UpkeepConfig, UpkeepSim};
use serde_json::{Value, json};

use crate::bench::field;

async fn oracle(config: UpkeepConfig) -> Oracle {
    let sim = UpkeepSim::start(config, 0).await.unwrap();
    let oracle = sim.vendor().oracle();
    sim.stop().await;
    oracle
}

fn count(records: &BTreeMap<String, Value>, matches: impl Fn(&Value) -> bool) -> usize {
    records.values().filter(|value| matches(value)).count()
}

#[tokio::test]
async fn same_seed_gives_the_same_account() {
    let config = || UpkeepConfig::default().assets(50).work_orders(200);
    assert_eq!(oracle(config()).await, oracle(config()).await);
    assert_ne!(oracle(config()).await, oracle(config().seed(2)).await);
}

#[tokio::test]
async fn every_seeded_record_can_be_mapped() {
    for size in [1, 2, 11, 40, 300, 2000] {
        let oracle = oracle(UpkeepConfig::default().assets(size).work_orders(size)).await;
        assert_eq!(
            (oracle.assets.len(), oracle.work_orders.len()),
            (size, size)
        );
        let now = UpkeepConfig::default().now;
        for (name, records) in [("name", &oracle.assets), ("title", &oracle.work_orders)] {
            for (id, record) in records {
                assert_eq!(field(record, "id"), id);
                assert!(id.len() == 10 && id.chars().all(|c| c.is_ascii_alphanumeric()));
                assert!(!field(record, name).trim().is_empty());
                assert!(!record.to_string().contains("\\u0000"));
                let time = |name| DateTime::parse_from_rfc3339(field(record, name)).unwrap();
                assert!(
                    time("createdAt") <= time("updatedAt") && time("updatedAt") < now,
                    "{record}"
                );
            }
        }
    }
}

#[tokio::test]
async fn records_have_a_realistic_size() {
    let oracle = oracle(UpkeepConfig::default()).await;
    let mean = |records: &BTreeMap<String, Value>| {
        records
            .values()
            .map(|value| value.to_string().len())
            .sum::<usize>()
            / records.len()
    };
    let (asset, order) = (mean(&oracle.assets), mean(&oracle.work_orders));
    assert!((500..=700).contains(&asset), "{asset}");
    assert!((700..=1000).contains(&order), "{order}");
}

#[tokio::test]
async fn references_come_in_all_five_forms() {
    let oracle = oracle(UpkeepConfig::default()).await;
    for (records, name) in [
        (&oracle.work_orders, "asset"),
        (&oracle.work_orders, "location"),
        (&oracle.work_orders, "assignedToUser"),
        (&oracle.assets, "location"),
        (&oracle.assets, "assignedToUser"),
        (&oracle.assets, "parentAsset"),
    ] {
        assert!(
            count(records, |value| value[name]
                .as_str()
                .is_some_and(|id| id.len() == 10))
                > 0
        );
        assert!(
            count(records, |value| value[name]["id"].is_string()) > 0,
            "{name}"
        );
        assert!(count(records, |value| value[name] == json!("")) > 0);
        assert!(count(records, |value| value.get(name) == Some(&Value::Null)) > 0);
        assert!(count(records, |value| value.get(name).is_none()) > 0);
    }
    assert!(
        count(&oracle.work_orders, |value| {
            value["objectLocationForWorkOrder"]["id"].is_string()
        }) > 0
    );
}

#[tokio::test]
async fn statuses_are_spelled_in_several_ways() {
    let oracle = oracle(UpkeepConfig::default()).await;
    for status in [
        "open",
        "inProgress",
        "In Progress",
        "in progress",
        "onHold",
        "On Hold",
        "complete",
        "Complete",
        "waiting for vendor",
    ] {
        assert!(
            count(&oracle.work_orders, |value| value["status"]
                == json!(status))
                > 0,
            "{status}"
        );
    }
    let inactive = count(&oracle.assets, |value| value["status"] == json!("inactive"));
    let reason = count(&oracle.assets, |value| {
        value["status"] == json!("inactive") && value["downtimeStatus"].is_string()
    });
    assert!(reason > 0 && reason < inactive);
}

#[tokio::test]
async fn numbers_come_as_int_decimal_and_text_or_not_at_all() {
    let orders = oracle(UpkeepConfig::default()).await.work_orders;
    for priority in [json!(0), json!(1), json!(2), json!(3), json!("2")] {
        assert!(count(&orders, |value| value["priority"] == priority) > 0);
    }
    assert!(count(&orders, |value| value.get("priority").is_none()) > 0);
    assert!(count(&orders, |value| value["cost"].is_u64()) > 0);
    assert!(count(&orders, |value| value["cost"].is_f64()) > 0);
    assert!(count(&orders, |value| value["cost"].is_string()) > 0);
    assert!(count(&orders, |value| value["time"].is_u64()) > 0);
    assert!(count(&orders, |value| value["time"].is_string()) > 0);
    assert!(count(&orders, |value| value["category"].is_null()) > 0);
    assert!(count(&orders, |value| value["category"] == json!("zz-legacy/7")) > 0);
    assert!(count(&orders, |value| value["archived"] == json!(true)) > 0);
    assert!(count(&orders, |value| value["isComplete"] == json!(true)) > 0);
    assert!(count(&orders, |value| value.get("dueDate") == Some(&Value::Null)) > 0);
    assert!(count(&orders, |value| value.get("workOrderNo").is_none()) > 0);
    assert!(count(&orders, |value| value["workOrderNo"].is_string()) > 0);
}

#[tokio::test]
async fn texts_have_control_characters_scripts_and_great_length() {
    let oracle = oracle(UpkeepConfig::default()).await;
    for (records, name) in [(&oracle.work_orders, "title"), (&oracle.assets, "name")] {
        assert!(count(records, |value| field(value, name).len() > 300) > 0);
        assert!(count(records, |value| !field(value, name).is_ascii()) > 0);
    }
    assert!(
        count(&oracle.work_orders, |value| field(value, "title")
            .contains("\u{1b}[31m"))
            > 0
    );
    assert!(
        count(&oracle.work_orders, |value| value["customFields"]
            .is_array())
            > 0
    );
    assert!(
        count(&oracle.work_orders, |value| value
            .get("x_legacyRef")
            .is_some())
            > 0
    );
    assert!(count(&oracle.assets, |value| value.get("x_unknownFlag").is_some()) > 0);
}

#[tokio::test]
async fn one_updated_at_is_shared_by_more_records_than_a_page() {
    let oracle = oracle(UpkeepConfig::default()).await;
    for records in [&oracle.work_orders, &oracle.assets] {
        let mut ties: BTreeMap<&str, usize> = BTreeMap::new();
        for record in records.values() {
            *ties.entry(field(record, "updatedAt")).or_default() += 1;
        }
        assert!(ties.values().any(|count| *count > 25));
        assert!(ties.values().any(|count| *count == 3));
    }
}

#[tokio::test]
async fn parents_exist_form_no_circle_and_some_are_listed_after_children() {
    let assets = oracle(UpkeepConfig::default()).await.assets;
    let parent = |id: &str| {
        let value = &assets[id]["parentAsset"];
        let id = value.as_str().or(value["id"].as_str())?;
        (!id.is_empty()).then(|| id.to_owned())
    };
    let (mut later, mut deepest) = (0, 0);
    for (id, asset) in &assets {
        let mut seen = BTreeSet::from([id.clone()]);
        let mut at = id.clone();
        while let Some(next) = parent(&at) {
            assert!(assets.contains_key(&next) && seen.insert(next.clone()));
            at = next;
        }
        deepest = deepest.max(seen.len());
        if let Some(parent) = parent(id) {
            later += usize::from(field(&assets[&parent], "updatedAt") > field(asset, "updatedAt"));
        }
    }
    assert!(later > 0 && deepest == 3, "{later} {deepest}");
}

#[tokio::test]
async fn some_work_orders_name_an_asset_that_does_not_exist() {
    let oracle = oracle(UpkeepConfig::default()).await;
    let dangling = count(&oracle.work_orders, |value| {
        value["asset"]
            .as_str()
            .is_some_and(|id| !id.is_empty() && !oracle.assets.contains_key(id))
    });
    assert!((10..200).contains(&dangling), "{dangling}");
}
