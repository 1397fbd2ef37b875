//! The adapter against the simulator: login, paging, changes, and every habit that the fact sheet tells of.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

#[expect(dead_code, reason = "shared by several tests")]
mod support;

use chrono::{DateTime, TimeDelta, Utc};
use cmms_core::domain::entity::Entity;
use cmms_core::error::{Code, Retry};
use cmms_core::ports::adapter::Adapter as _;
use cmms_core::{Error, code};
use cmms_sim::upkeep::{EndOfList, FilterSupport, SimEntity, UpkeepConfig};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use support::{EMAIL, PASSWORD, Rig, SimRig, credentials};

fn small() -> UpkeepConfig {
    UpkeepConfig::default().assets(40).work_orders(120)
}

fn truth(sim: &SimRig, entity: Entity) -> BTreeMap<String, Value> {
    let oracle = sim.vendor().oracle();
    match entity {
        Entity::Asset => oracle.assets,
        Entity::WorkOrder => oracle.work_orders,
    }
}

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

#[tokio::test]
async fn lists_without_order_survive_changes() {
    for support in [FilterSupport::Ignored, FilterSupport::Refused] {
        for cap in [200, 3] {
            let config = UpkeepConfig::default()
                .assets(120)
                .work_orders(1)
                .asset_filter(support)
                .page_cap(cap);
            let mut sim = SimRig::start(config).await;
            sim.rig = sim.rig.page_size(10);
            let before = truth(&sim, Entity::Asset);
            let mut calls = 0;
            sim.vendor().after_each_request(move |vendor, request| {
                if request.path.ends_with("assets") {
                    calls += 1;
                    let ids: Vec<String> = vendor.oracle().assets.into_keys().collect();
                    match calls % 4 {
                        0 if calls < 40 => vendor.remove(SimEntity::Asset, &ids[calls % ids.len()]),
                        2 if calls < 40 => {
                            vendor.insert(SimEntity::Asset, json!({"name": "new"}));
                            true
                        }
                        _ => false,
                    };
                }
            });
            let given = sim.rig.all(Entity::Asset).await.unwrap().by_id();
            sim.vendor().after_each_request(|_, _| {});
            for id in truth(&sim, Entity::Asset).keys() {
                if before.contains_key(id) {
                    assert!(given.contains_key(id), "{id} was missed, {support:?} {cap}");
                }
            }
        }
    }
}

#[tokio::test]
async fn since_reads_what_changed_with_ten_minutes_before_it() {
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
    let from = first.high_water.unwrap() - TimeDelta::minutes(10);
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
async fn one_login_serves_all_calls_also_at_the_same_time() {
    let sim = SimRig::start(small()).await;
    let (a, b) = tokio::join!(sim.rig.all(Entity::Asset), sim.rig.all(Entity::WorkOrder));
    a.unwrap();
    b.unwrap();
    assert_eq!(sim.vendor().logins(), 1);
    assert_eq!(sim.calls("auth"), 1);
}

#[tokio::test]
async fn sessions_are_renewed_five_minutes_before_they_end() {
    let sim = SimRig::start(small().session_minutes(60)).await;
    let minutes = |n: u64| Duration::from_secs(n * 60);
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    sim.rig.clock.advance(minutes(54));
    sim.vendor().advance_clock(minutes(54));
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    assert_eq!(sim.vendor().logins(), 1);
    sim.rig.clock.advance(minutes(1));
    sim.vendor().advance_clock(minutes(1));
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    assert_eq!(sim.vendor().logins(), 2);
    assert!(sim.vendor().requests().iter().all(|r| r.status == 200));
}

#[tokio::test]
async fn a_session_that_ends_early_is_made_anew_once() {
    let sim = SimRig::start(small()).await;
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    sim.vendor().expire_sessions();
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    assert_eq!(sim.vendor().logins(), 2);
    // Refused again right after the login: no third try.
    sim.vendor().clear_requests();
    sim.vendor().fail_next(2, 401, None);
    let e = sim.rig.fails(Entity::Asset).await;
    assert!(e.is(code::VENDOR_LOGIN));
    assert_eq!(sim.calls("assets"), 2);
    assert_eq!(sim.vendor().logins(), 3);
    sim.rig.pull(Entity::Asset, None).await.unwrap();
}

#[tokio::test]
async fn many_callers_share_the_new_session_after_a_401() {
    let sim = Arc::new(SimRig::start(small()).await);
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    sim.vendor().expire_sessions();
    let (a, b, c) = tokio::join!(
        sim.rig.pull(Entity::Asset, None),
        sim.rig.pull(Entity::WorkOrder, None),
        sim.rig.pull(Entity::Asset, None)
    );
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(sim.vendor().logins(), 2);
}

#[tokio::test]
async fn new_credentials_make_a_new_session() {
    let mut sim = SimRig::start(small()).await;
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    sim.rig.cx.credentials_version = 2;
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    assert_eq!(sim.vendor().logins(), 2);
    sim.rig.cx.credentials_version = 3;
    sim.rig.cx.credentials = Arc::new(credentials(&[("email", EMAIL), ("password", "wrong")]));
    assert!(sim.rig.fails(Entity::Asset).await.is(code::VENDOR_LOGIN));
}

#[tokio::test]
async fn logins_as_the_sheet_has_them() {
    let token = "r:5f0c9b1f6f0e4d4a9f7c2b7a6d1e8c33";
    type Row = (
        &'static str,
        &'static [(&'static str, &'static str)],
        Option<&'static Code>,
    );
    let rows: &[Row] = &[
        ("e-mail", &[("email", EMAIL), ("password", PASSWORD)], None),
        (
            "user name",
            &[("username", EMAIL), ("password", PASSWORD)],
            None,
        ),
        (
            "ready token",
            &[("api_key", "r:5f0c9b1f6f0e4d4a9f7c2b7a6d1e8c33")],
            None,
        ),
        (
            "account before token",
            &[("api_key", "r:0"), ("email", EMAIL), ("password", PASSWORD)],
            None,
        ),
        (
            "wrong password",
            &[("email", EMAIL), ("password", "no")],
            Some(code::VENDOR_LOGIN),
        ),
        (
            "unknown e-mail",
            &[("email", "x@y.z"), ("password", PASSWORD)],
            Some(code::VENDOR_LOGIN),
        ),
        (
            "unknown token",
            &[("api_key", "r:0")],
            Some(code::VENDOR_LOGIN),
        ),
    ];
    for (name, fields, refused) in rows {
        let sim = SimRig::login(small().ready_token(token), fields).await;
        let checked = sim.rig.adapter.check(&sim.rig.cx).await;
        let pulled = sim.rig.pull(Entity::Asset, None).await;
        match refused {
            None => {
                checked.unwrap();
                pulled.unwrap();
            }
            Some(code) => {
                assert!(checked.unwrap_err().is(code), "{name}");
                let e: Error = pulled.unwrap_err();
                assert!(e.is(code), "{name}");
                assert!(!format!("{e:?}{e}").contains("no credentials"));
                // Neither the login nor the call is repeated.
                assert!(sim.calls("auth") + sim.calls("assets") + sim.calls("work-orders") <= 2);
            }
        }
    }
}

#[tokio::test]
async fn a_ready_token_that_ended_is_not_asked_for_twice() {
    let fields = &[("api_key", "r:1")];
    let sim = SimRig::login(small().ready_token("r:1"), fields).await;
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    sim.vendor().expire_sessions();
    sim.vendor().clear_requests();
    assert!(sim.rig.fails(Entity::Asset).await.is(code::VENDOR_LOGIN));
    assert_eq!(sim.vendor().requests().len(), 1);
}

#[tokio::test]
async fn a_plan_without_api_is_forbidden() {
    let sim = SimRig::start(small().api_plan(false)).await;
    let e = sim.rig.adapter.check(&sim.rig.cx).await.unwrap_err();
    assert!(e.is(code::VENDOR_FORBIDDEN));
    let sim = SimRig::start(small()).await;
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    sim.vendor().set_api_plan(false);
    assert!(
        sim.rig
            .fails(Entity::Asset)
            .await
            .is(code::VENDOR_FORBIDDEN)
    );
}

#[tokio::test]
async fn throttling_is_waited_out() {
    let rows: &[(Option<&str>, u64, u64)] = &[
        (Some("7"), 7000, 7000),
        (Some("0"), 0, 0),
        (Some("900"), 300_000, 300_000),
        (Some("Mon, 01 Jun 2026 08:00:20 GMT"), 0, 20_000),
        (Some("rubbish"), 0, 1000),
        (None, 0, 1000),
    ];
    for (after, least, most) in rows {
        let sim = SimRig::start(small()).await;
        sim.vendor().fail_next(1, 429, after.map(str::to_owned));
        sim.rig.pull(Entity::Asset, None).await.unwrap();
        let sleeps = sim.rig.clock.sleeps();
        assert_eq!(sleeps.len(), 1, "{after:?}");
        let ms = u64::try_from(sleeps[0].as_millis()).unwrap();
        assert!(ms >= *least && ms <= *most, "{after:?}: {ms}");
    }
}

#[tokio::test]
async fn five_repetitions_then_the_vendors_wish_is_handed_on() {
    let sim = SimRig::start(small()).await;
    sim.vendor().fail_next(6, 429, Some("9".into()));
    let e = sim.rig.fails(Entity::Asset).await;
    assert!(e.is(code::VENDOR_LIMIT));
    assert_eq!(e.retry_hint(), Retry::After(Duration::from_secs(9)));
    assert_eq!(sim.calls("assets"), 6);
    assert_eq!(sim.rig.clock.sleeps(), vec![Duration::from_secs(9); 5]);
    sim.rig.pull(Entity::Asset, None).await.unwrap();
}

#[tokio::test]
async fn statuses_are_told_apart() {
    let rows = [
        (500, 6, code::VENDOR_ERROR),
        (502, 6, code::VENDOR_ERROR),
        (503, 6, code::VENDOR_ERROR),
        (504, 6, code::VENDOR_ERROR),
        (501, 1, code::VENDOR_ERROR),
        (403, 1, code::VENDOR_FORBIDDEN),
        (404, 1, code::VENDOR_ANSWER),
        (409, 1, code::VENDOR_ANSWER),
        (418, 1, code::VENDOR_ANSWER),
    ];
    for (status, calls, code) in rows {
        let sim = SimRig::start(small()).await;
        sim.vendor().fail_next(10, status, None);
        let e = sim.rig.fails(Entity::Asset).await;
        assert!(e.is(code), "{status}: {e}");
        assert_eq!(sim.calls("assets"), calls, "{status}");
        assert_eq!(sim.rig.clock.sleeps().len(), calls - 1, "{status}");
    }
    // Refused as such: tried without filter and order, then given up.
    let sim = SimRig::start(small()).await;
    sim.vendor().fail_next(2, 400, None);
    assert!(sim.rig.fails(Entity::Asset).await.is(code::VENDOR_ANSWER));
    assert_eq!(sim.calls("assets"), 2);
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

#[tokio::test]
async fn requests_are_spaced_where_the_connection_asks_for_it() {
    let mut sim = SimRig::start(small()).await;
    sim.rig.cx.options = Arc::new(cmms_core::domain::connection::ConnectionOptions {
        page_size: Some(10),
        max_requests_per_second: Some(4.0),
        ..Default::default()
    });
    sim.rig.all(Entity::Asset).await.unwrap();
    let sleeps = sim.rig.clock.sleeps();
    assert_eq!(sleeps.len() + 1, sim.vendor().requests().len());
    assert!(sleeps.iter().all(|s| *s == Duration::from_millis(250)));
}

#[tokio::test]
async fn whoever_gives_up_waits_no_longer() {
    let sim = SimRig::start(small().latency(Duration::from_secs(60))).await;
    let cancel = sim.rig.cx.cancel.clone();
    let give_up = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        cancel.cancel();
    };
    let (e, ()) = tokio::join!(sim.rig.fails(Entity::Asset), give_up);
    assert!(e.is(code::OP_CANCELLED));
}

#[tokio::test]
async fn empty_and_shortened_lists_end() {
    let sim = SimRig::start(small()).await;
    sim.vendor().empty_lists(true);
    let listed = sim.rig.all(Entity::WorkOrder).await.unwrap();
    assert_eq!((listed.records.len(), listed.high_water), (0, None));
    sim.vendor().empty_lists(false);
    let mut calls = 0;
    sim.vendor().after_each_request(move |vendor, _| {
        calls += 1;
        vendor.empty_lists(calls > 2);
    });
    let rig = sim.rig.page_size(10);
    assert!(rig.all(Entity::WorkOrder).await.unwrap().records.len() < 120);
}

#[tokio::test]
async fn base_urls_with_and_without_the_api_path_work() {
    let mut sim = SimRig::start(small()).await;
    let base = sim.sim.base_url();
    for path in ["", "/", "/api/v2", "/api/v2/"] {
        let url = format!("{base}{path}");
        let accepted = sim
            .rig
            .adapter
            .accept(&url, &sim.rig.cx.credentials, &sim.rig.cx.options)
            .unwrap();
        assert_eq!(accepted, url.trim_end_matches('/'));
        sim.rig.cx.api_url = accepted.into();
        sim.rig.adapter.check(&sim.rig.cx).await.unwrap();
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
