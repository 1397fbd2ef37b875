//! Changes and failures while a list is read.

use crate::support::SimRig;
use crate::{small, truth};
use chrono::{DateTime, Utc};
use cmms_core::domain::entity::Entity;
use cmms_sim::upkeep::{FilterSupport, SimEntity, UpkeepConfig};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// Changes in the middle of a listing: nothing that exists all the time is missed.
async fn survives_changes(
    config: UpkeepConfig,
    entity: Entity,
    mut change: impl FnMut(&cmms_sim::upkeep::UpkeepVendor, usize) + Send + 'static,
) {
    let mut sim = SimRig::start(config).await;
    sim.rig = sim.rig.page_size(10);
    let before = truth(&sim, entity);
    let path = match entity {
        Entity::Asset => "/api/v2/assets",
        Entity::WorkOrder => "/api/v2/work-orders",
    };
    let mut calls = 0;
    sim.vendor().after_each_request(move |vendor, request| {
        if request.path == path {
            calls += 1;
            if calls < 60 {
                change(vendor, calls);
            }
        }
    });
    let listed = sim.rig.all(entity).await.unwrap();
    sim.vendor().after_each_request(|_, _| {});
    let given = listed.by_id();
    let after = truth(&sim, entity);
    for id in before.keys().filter(|id| after.contains_key(*id)) {
        assert!(given.contains_key(id), "{id} was missed");
    }
    // What changed after it was given is in the next listing, which begins before the high-water mark.
    let next = sim.rig.since(entity, listed.high_water).await.unwrap();
    let mut known = given;
    known.extend(next.by_id());
    for (id, record) in &after {
        assert_eq!(known.get(id), Some(record), "{id} is stale");
    }
}

#[tokio::test]
async fn records_that_move_while_they_are_read_are_not_missed() {
    for entity in [Entity::Asset, Entity::WorkOrder] {
        let size = || UpkeepConfig::default().assets(150).work_orders(150);
        survives_changes(size(), entity, |vendor, _| {
            vendor.edit(6);
        })
        .await;
        survives_changes(size().page_cap(3), entity, |vendor, _| {
            vendor.edit(2);
        })
        .await;
        let kind = match entity {
            Entity::Asset => SimEntity::Asset,
            Entity::WorkOrder => SimEntity::WorkOrder,
        };
        survives_changes(size(), entity, move |vendor, n| {
            let oracle = vendor.oracle();
            let records = match kind {
                SimEntity::Asset => oracle.assets,
                _ => oracle.work_orders,
            };
            if let Some(id) = records.keys().nth(n * 7 % 100) {
                vendor.remove(kind, id);
            }
            vendor.insert(kind, json!({"title": "new", "name": "new"}));
        })
        .await;
    }
}

#[tokio::test]
async fn a_shifting_tie_block_is_read_from_its_beginning_again() {
    let config = || UpkeepConfig::default().assets(0).work_orders(0);
    for cap in [200, 4] {
        let sim = SimRig::start(config().page_cap(cap)).await;
        for n in 0..60 {
            let at = "2026-05-01T10:00:00.000Z";
            sim.vendor().insert(
                SimEntity::WorkOrder,
                json!({"id": format!("Tie{n:07}"), "title": "t", "createdAt": at, "updatedAt": at}),
            );
        }
        let rig = sim.rig.page_size(10);
        let mut next = 0;
        sim.sim.vendor().after_each_request(move |vendor, request| {
            if request.path.ends_with("work-orders") && next < 12 {
                // From the front, so that the rest moves up.
                vendor.update(
                    SimEntity::WorkOrder,
                    &format!("Tie{next:07}"),
                    json!({"title": "u"}),
                );
                next += 1;
            }
        });
        let listed = rig.all(Entity::WorkOrder).await.unwrap();
        assert_eq!(listed.by_id(), sim.sim.vendor().oracle().work_orders);
    }
}

/// Ids, the latest created first: the order of a list that is not asked for another.
fn latest_first(vendor: &cmms_sim::upkeep::UpkeepVendor) -> Vec<String> {
    let assets = vendor.oracle().assets;
    let created = |r: &serde_json::Value| r["createdAt"].as_str().unwrap().to_owned();
    let mut ids: Vec<_> = assets
        .iter()
        .map(|(id, r)| (created(r), id.clone()))
        .collect();
    ids.sort();
    ids.into_iter().rev().map(|(_, id)| id).collect()
}

#[tokio::test]
async fn lists_without_order_survive_changes() {
    // Records that go in front of the place or at it, and records that come: one, a page, several pages.
    let habits = [(1, 0), (4, 0), (25, 0), (0, 1), (0, 30), (3, 2), (12, 40)];
    for support in [FilterSupport::Ignored, FilterSupport::Refused] {
        for cap in [200, 3] {
            for (go, come) in habits {
                let config = UpkeepConfig::default()
                    .assets(260)
                    .work_orders(1)
                    .asset_filter(support)
                    .page_cap(cap);
                let mut sim = SimRig::start(config).await;
                sim.rig = sim.rig.page_size(10);
                let before = truth(&sim, Entity::Asset);
                let mut calls = 0;
                sim.vendor().after_each_request(move |vendor, request| {
                    if !request.path.ends_with("assets") {
                        return;
                    }
                    calls += 1;
                    if calls % 4 == 0 && calls < 40 {
                        let ids = latest_first(vendor);
                        let offset = request.query.iter().find(|(n, _)| n == "offset");
                        let place: usize = offset.unwrap().1.parse().unwrap();
                        let first = place.saturating_sub(go);
                        for id in ids.iter().skip(first).take(go) {
                            vendor.remove(SimEntity::Asset, id);
                        }
                        for _ in 0..come {
                            vendor.insert(SimEntity::Asset, json!({"name": "new"}));
                        }
                    }
                });
                let listed = sim.rig.all(Entity::Asset).await.unwrap();
                sim.vendor().after_each_request(|_, _| {});
                let given = listed.by_id();
                for id in truth(&sim, Entity::Asset).keys() {
                    if before.contains_key(id) {
                        assert!(
                            given.contains_key(id),
                            "{id} was missed, {support:?} {cap} {go} {come}"
                        );
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn since_reads_what_changed_from_then_on() {
    let sim = SimRig::start(small()).await;
    let first = sim.rig.all(Entity::WorkOrder).await.unwrap();
    sim.vendor().advance_clock(Duration::from_secs(3600));
    sim.vendor().edit(10);
    sim.vendor().clear_requests();
    let next = sim
        .rig
        .since(Entity::WorkOrder, first.high_water)
        .await
        .unwrap();
    let edited = sim.vendor().oracle().work_orders;
    let from = first.high_water.unwrap();
    let want: Vec<_> = edited
        .iter()
        .filter(|(_, r)| {
            r["updatedAt"]
                .as_str()
                .unwrap()
                .parse::<DateTime<Utc>>()
                .unwrap()
                >= from
        })
        .map(|(id, r)| (id.clone(), r.clone()))
        .collect();
    assert!(want.len() >= 8 && want.len() < edited.len());
    assert_eq!(next.by_id(), want.into_iter().collect());
    let requests = sim.vendor().requests();
    let query: BTreeMap<_, _> = requests[0].query.iter().cloned().collect();
    assert_eq!(query["orderBy"], "updatedAt ASC");
    assert_eq!(query["limit"], "100");
    assert_eq!(query["offset"], "0");
    assert_eq!(
        query["updatedAtGreaterThanOrEqualTo"],
        from.timestamp_millis().to_string()
    );
}

#[tokio::test]
async fn failures_that_pass_lose_nothing() {
    let mut sim = SimRig::start(small()).await;
    sim.rig = sim.rig.page_size(10);
    let mut calls = 0;
    sim.vendor().after_each_request(move |vendor, request| {
        if request.path.ends_with("work-orders") {
            calls += 1;
            match calls % 5 {
                0 => vendor.fail_next(2, 503, None),
                2 => vendor.fail_next(1, 429, Some("1".into())),
                _ => {}
            }
        }
    });
    let listed = sim.rig.all(Entity::WorkOrder).await.unwrap();
    assert_eq!(listed.by_id(), truth(&sim, Entity::WorkOrder));
    assert_eq!(listed.records.len(), 120);
}
