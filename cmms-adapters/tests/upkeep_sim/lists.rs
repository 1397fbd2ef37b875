//! Lists: every habit of paging, ties, ends, records of odd shape.

use crate::support::{EMAIL, PASSWORD, Rig, SimRig};
use crate::{small, truth};
use chrono::{DateTime, Utc};
use cmms_core::code;
use cmms_core::domain::entity::Entity;
use cmms_sim::upkeep::{EndOfList, FilterSupport, SimEntity, UpkeepConfig};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn latest(records: &BTreeMap<String, Value>) -> Option<DateTime<Utc>> {
    let times = records.values().filter_map(|r| r["updatedAt"].as_str());
    times.filter_map(|t| t.parse().ok()).max()
}

async fn reads_everything(name: &str, config: UpkeepConfig, page_size: u32) {
    let mut sim = SimRig::start(config).await;
    sim.rig = sim.rig.page_size(page_size);
    for entity in [Entity::Asset, Entity::WorkOrder] {
        let listed = sim.rig.all(entity).await.unwrap();
        let truth = truth(&sim, entity);
        assert_eq!(listed.by_id(), truth, "{name}: {entity}");
        assert_eq!(listed.high_water, latest(&truth), "{name}: {entity}");
    }
}

#[tokio::test]
async fn every_habit_of_lists_gives_every_record() {
    let habits: Vec<(&str, UpkeepConfig, u32)> = vec![
        ("pages of the default size", small(), 100),
        ("a page for all", small(), 5000),
        ("the server clips pages", small().page_cap(7), 100),
        ("pages of one", small().assets(9).work_orders(30), 1),
        ("pages of two", small(), 2),
        (
            "the server clips pages to one",
            small().assets(9).work_orders(30).page_cap(1),
            50,
        ),
        (
            "the end is 404",
            small().end_of_list(EndOfList::NotFound),
            10,
        ),
        (
            "the end is either",
            small().end_of_list(EndOfList::Alternate),
            10,
        ),
        (
            "the asset filter is ignored",
            small().asset_filter(FilterSupport::Ignored),
            10,
        ),
        (
            "the asset filter is refused",
            small().asset_filter(FilterSupport::Refused),
            10,
        ),
        (
            "the asset filter is ignored and the end is 404",
            small()
                .asset_filter(FilterSupport::Ignored)
                .end_of_list(EndOfList::NotFound),
            10,
        ),
        (
            "the asset filter is refused and pages are clipped",
            small().asset_filter(FilterSupport::Refused).page_cap(3),
            10,
        ),
        (
            "archived ones are listed",
            small().archived_listed(true),
            25,
        ),
        (
            "archived ones are listed only if asked for",
            small().archived_listed(false),
            25,
        ),
        ("nothing is there", small().assets(0).work_orders(0), 10),
        (
            "nothing is there and the end is 404",
            small()
                .assets(0)
                .work_orders(0)
                .end_of_list(EndOfList::NotFound),
            10,
        ),
        (
            "a large account",
            UpkeepConfig::default().assets(500).work_orders(5000),
            200,
        ),
    ];
    for (name, config, page_size) in habits {
        reads_everything(name, config, page_size).await;
    }
}

#[tokio::test]
async fn a_listing_gives_each_record_once() {
    for listed in [true, false] {
        let mut sim = SimRig::start(small().archived_listed(listed)).await;
        sim.rig = sim.rig.page_size(11);
        for entity in [Entity::Asset, Entity::WorkOrder] {
            let given = sim.rig.all(entity).await.unwrap();
            assert_eq!(given.records.len(), truth(&sim, entity).len(), "{entity}");
        }
    }
}

#[tokio::test]
async fn raw_records_are_what_was_sent() {
    let sim = SimRig::start(small()).await;
    let odd = r#"{ "id":"Odd0000001", "title":"é\u0041 1.50", "cost":1.50,"time": 100000000000000000000}"#;
    sim.vendor()
        .insert(SimEntity::WorkOrder, serde_json::from_str(odd).unwrap());
    let listed = sim.rig.all(Entity::WorkOrder).await.unwrap();
    let oracle = sim.vendor().oracle().work_orders;
    for record in &listed.records {
        let id = record.external_id.as_deref().unwrap();
        assert_eq!(*record.raw, oracle[id].to_string());
    }
}

#[tokio::test]
async fn ties_across_pages_are_read_whole() {
    // Every record at the same time, more than a page of them, then some behind.
    for (page_size, page_cap) in [(5, 200), (1, 200), (50, 4), (37, 200), (36, 200)] {
        let config = UpkeepConfig::default()
            .assets(1)
            .work_orders(0)
            .page_cap(page_cap);
        let mut sim = SimRig::start(config).await;
        sim.rig = sim.rig.page_size(page_size);
        for n in 0..37 {
            let id = format!("Tie{n:07}");
            let at = "2026-05-01T10:00:00.000Z";
            sim.vendor().insert(
                SimEntity::WorkOrder,
                json!({"id": id, "title": "t", "createdAt": at, "updatedAt": at}),
            );
        }
        for n in 0..9 {
            let at = format!("2026-05-01T10:00:0{n}.500Z");
            sim.vendor().insert(
                SimEntity::WorkOrder,
                json!({"title": "t", "createdAt": at, "updatedAt": at}),
            );
        }
        let listed = sim.rig.all(Entity::WorkOrder).await.unwrap();
        assert_eq!(listed.records.len(), 46, "{page_size} {page_cap}");
        assert_eq!(listed.by_id(), truth(&sim, Entity::WorkOrder));
    }
}

#[tokio::test]
async fn records_of_odd_shape_are_given_and_left_to_the_mapping() {
    let sim = SimRig::start(UpkeepConfig::default().assets(0).work_orders(30)).await;
    let ids: Vec<String> = sim.vendor().oracle().work_orders.into_keys().collect();
    let odd = [
        json!({"title": "no time", "updatedAt": null}),
        json!({"title": "garbage time", "updatedAt": "yesterday"}),
        json!({"id": null, "title": "no id"}),
        json!({"id": "", "title": "empty id"}),
        json!({"id": {"a": 1}, "title": "object id"}),
        json!({"id": 77, "title": "number id"}),
        json!("a text"),
        json!(null),
        json!([1]),
    ];
    // Numbers can arrive as texts and times as numbers.
    let own = sim.vendor().oracle().work_orders[&ids[20]]["updatedAt"].clone();
    let own: DateTime<Utc> = own.as_str().unwrap().parse().unwrap();
    sim.vendor().set_raw(
        SimEntity::WorkOrder,
        &ids[20],
        json!({"title": "number time", "updatedAt": own.timestamp_millis()}),
    );
    for (id, value) in ids.iter().zip(&odd) {
        sim.vendor()
            .set_raw(SimEntity::WorkOrder, id, value.clone());
    }
    for size in [100, 7, 1] {
        let rig = Rig::with(
            &sim.sim.base_url(),
            &[("email", EMAIL), ("password", PASSWORD)],
            sim.rig.clock.clone(),
            |b| b,
        )
        .page_size(size);
        let listed = rig.all(Entity::WorkOrder).await.unwrap();
        assert_eq!(listed.records.len(), 30, "{size}");
        let without: Vec<_> = listed
            .records
            .iter()
            .filter(|r| r.external_id.is_none())
            .collect();
        assert_eq!(without.len(), 6, "{size}");
        let untimed = listed
            .records
            .iter()
            .filter(|r| r.updated_at.is_none())
            .count();
        assert_eq!(untimed, 5, "{size}");
        assert!(
            listed
                .records
                .iter()
                .any(|r| r.external_id.as_deref() == Some("77"))
        );
    }
}

#[tokio::test]
async fn positions_are_small_json_that_a_restart_can_go_on_from() {
    let config = small();
    let sim = SimRig::start(config).await;
    let rig = sim.rig.page_size(10);
    let mut position = None;
    let mut given = BTreeMap::new();
    loop {
        // Each page with a new adapter, as after a restart of the process.
        let fresh = Rig::with(
            &sim.sim.base_url(),
            &[("email", EMAIL), ("password", PASSWORD)],
            rig.clock.clone(),
            |b| b,
        )
        .page_size(10);
        let page = fresh.pull(Entity::WorkOrder, position).await.unwrap();
        for record in page.records {
            given.insert(record.external_id.unwrap(), ());
        }
        let Some(next) = page.next else { break };
        let json: Value = serde_json::from_str(&next.0).unwrap();
        assert_eq!(json["mode"], "changes");
        assert!(next.0.len() < 600, "{}", next.0);
        position = Some(next);
    }
    assert_eq!(given.len(), 120);
    let foreign = cmms_core::ports::adapter::Position("{}".into());
    assert!(
        rig.pull(Entity::Asset, Some(foreign))
            .await
            .unwrap_err()
            .is(code::INTERNAL)
    );
}
