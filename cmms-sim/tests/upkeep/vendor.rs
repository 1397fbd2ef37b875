//! The handle of the account, and the server's life.

use std::collections::BTreeSet;
use std::time::Duration;

use cmms_sim::SimError;
use cmms_sim::upkeep::{SimEntity, UpkeepConfig, UpkeepSim};
use serde_json::{Value, json};

use crate::bench::{Bench, field};

fn small() -> UpkeepConfig {
    UpkeepConfig::default().assets(20).work_orders(60)
}

#[tokio::test]
async fn edit_changes_exactly_the_records_it_names_and_raises_updated_at() {
    let bench = Bench::start(small()).await;
    let mut latest = String::new();
    for _ in 0..20 {
        let before = bench.vendor().oracle();
        let edited = bench.vendor().edit(10);
        assert_eq!((edited.assets.len(), edited.work_orders.len()), (2, 8));
        let after = bench.vendor().oracle();
        for (old, new, ids) in [
            (&before.assets, &after.assets, &edited.assets),
            (&before.work_orders, &after.work_orders, &edited.work_orders),
        ] {
            let named: BTreeSet<_> = ids.iter().cloned().collect();
            assert_eq!(named.len(), ids.len());
            let changed: BTreeSet<_> = old
                .iter()
                .filter(|(id, value)| new[*id] != **value)
                .map(|(id, _)| id.clone())
                .collect();
            assert_eq!(changed, named);
            for id in ids {
                let time = field(&new[id], "updatedAt");
                assert!(time > latest.as_str() && time > field(&old[id], "updatedAt"));
                latest = time.to_owned();
                let other = |record: &Value| {
                    let mut record = record.clone();
                    record["updatedAt"] = Value::Null;
                    record
                };
                assert_ne!(other(&old[id]), other(&new[id]));
            }
        }
    }
}

#[tokio::test]
async fn edit_takes_each_record_once_at_most() {
    let bench = Bench::start(small()).await;
    let edited = bench.vendor().edit(10_000);
    assert_eq!((edited.assets.len(), edited.work_orders.len()), (20, 60));
    let bench = Bench::start(small().work_orders(0)).await;
    assert_eq!(bench.vendor().edit(5).assets.len(), 5);
    let bench = Bench::start(small().work_orders(0).assets(0)).await;
    assert!(bench.vendor().edit(5).assets.is_empty());
}

#[tokio::test]
async fn same_seed_gives_the_same_edits() {
    let one = Bench::start(small()).await;
    let two = Bench::start(small()).await;
    assert_eq!(one.vendor().edit(12), two.vendor().edit(12));
    assert_eq!(one.vendor().oracle(), two.vendor().oracle());
}

#[tokio::test]
async fn update_is_a_merge_patch() {
    let bench = Bench::start(small()).await;
    let vendor = bench.vendor();
    let id = vendor.insert(
        SimEntity::Asset,
        json!({"name": "a", "model": "m", "x": {"p": 1, "q": 2}}),
    );
    let before = vendor.oracle().assets[&id].clone();
    assert!(vendor.update(
        SimEntity::Asset,
        &id,
        json!({"name": "b", "model": null, "x": {"q": 3}})
    ));
    let after = bench.get(&format!("/assets/{id}")).await;
    assert_eq!(after.result()["name"], json!("b"));
    assert_eq!(after.result().get("model"), None);
    assert_eq!(after.result()["x"], json!({"p": 1, "q": 3}));
    assert!(field(after.result(), "updatedAt") > field(&before, "updatedAt"));
    assert!(!vendor.update(SimEntity::Asset, "Nobody0000", json!({})));
}

#[tokio::test]
async fn set_raw_serves_any_value_and_leaves_updated_at_unless_given() {
    let bench = Bench::start(small()).await;
    let vendor = bench.vendor();
    let (id, before) = vendor.oracle().work_orders.pop_first().unwrap();
    vendor.set_raw(
        SimEntity::WorkOrder,
        &id,
        json!({"title": ["odd"], "priority": {"a": 1}}),
    );
    let after = bench.get(&format!("/work-orders/{id}")).await;
    let wanted = json!({"id": id, "title": ["odd"], "priority": {"a": 1},
        "createdAt": before["createdAt"], "updatedAt": before["updatedAt"]});
    assert_eq!(after.result(), &wanted);
    for odd in [
        json!({"id": null, "title": null, "createdAt": null, "updatedAt": "yesterday"}),
        json!({"id": 17, "updatedAt": 1_767_225_600_000_i64}),
        json!("no object"),
        json!(null),
    ] {
        vendor.set_raw(SimEntity::WorkOrder, &id, odd.clone());
        let all = bench
            .all("/work-orders?limit=50&orderBy=updatedAt%20ASC")
            .await;
        assert_eq!(all.len(), 60);
        let served = all
            .iter()
            .find(|record| record.get("id").is_none_or(|id| !id.is_string()))
            .unwrap();
        for (name, value) in odd.as_object().into_iter().flatten() {
            assert_eq!(&served[name], value);
        }
    }
    assert!(!vendor.update(SimEntity::WorkOrder, &id, json!({"title": "x"})));
    vendor.edit(1000);
}

#[tokio::test]
async fn set_raw_with_a_time_moves_the_record_in_the_order() {
    let bench = Bench::start(small()).await;
    let id = bench.vendor().oracle().assets.pop_first().unwrap().0;
    bench.vendor().set_raw(
        SimEntity::Asset,
        &id,
        json!({"name": "old", "updatedAt": "2001-01-01T00:00:00.000Z"}),
    );
    assert_eq!(
        bench
            .get("/assets?limit=1&orderBy=updatedAt%20ASC")
            .await
            .ids(),
        std::slice::from_ref(&id)
    );
    bench.vendor().set_raw(
        SimEntity::Asset,
        &id,
        json!({"name": "new", "updatedAt": "2099-01-01T00:00:00.000Z"}),
    );
    assert_eq!(
        bench
            .get("/assets?limit=1&orderBy=updatedAt%20DESC")
            .await
            .ids(),
        std::slice::from_ref(&id)
    );
    assert!(
        bench
            .vendor()
            .update(SimEntity::Asset, &id, json!({"name": "newer"}))
    );
    assert_eq!(
        bench.vendor().oracle().assets[&id]["updatedAt"],
        json!("2099-01-01T00:00:00.001Z")
    );
}

#[tokio::test]
async fn insert_and_remove_are_seen_by_lists_and_oracle() {
    let bench = Bench::start(small()).await;
    let vendor = bench.vendor();
    let id = vendor.insert(
        SimEntity::WorkOrder,
        json!({"id": "MyOwnId001", "title": "t"}),
    );
    assert_eq!(id, "MyOwnId001");
    assert_eq!(bench.all("/work-orders?limit=50").await.len(), 61);
    assert!(vendor.remove(SimEntity::WorkOrder, &id));
    assert!(!vendor.remove(SimEntity::WorkOrder, &id));
    assert_eq!(bench.all("/work-orders?limit=50").await.len(), 60);
}

#[tokio::test]
async fn clock_stands_still_but_for_writes_and_advances() {
    let bench = Bench::start(small()).await;
    let vendor = bench.vendor();
    let start = UpkeepConfig::default().now;
    bench.get("/assets").await.results();
    assert_eq!(vendor.now(), start);
    vendor.advance_clock(Duration::from_secs(90));
    let id = vendor.insert(SimEntity::Asset, json!({"name": "a"}));
    let created = vendor.oracle().assets[&id]["createdAt"].clone();
    assert_eq!(created, json!("2026-06-01T08:01:30.007Z"));
    let later = vendor.now() + chrono::TimeDelta::hours(1);
    vendor.set_clock(later);
    vendor.set_clock(start);
    assert_eq!(vendor.now(), later);
}

#[tokio::test]
async fn requests_are_logged_with_decoded_query_and_status() {
    let bench = Bench::start(small()).await;
    bench.vendor().clear_requests();
    bench
        .get("/assets?limit=5&orderBy=updatedAt%20ASC")
        .await
        .results();
    bench.get("/assets/Nobody0000").await.refused(404);
    let log = bench.vendor().requests();
    assert_eq!(log.len(), 2);
    assert_eq!(
        (log[0].method.as_str(), log[0].path.as_str(), log[0].status),
        ("GET", "/api/v2/assets", 200)
    );
    let pairs =
        [("limit", "5"), ("orderBy", "updatedAt ASC")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(log[0].query, pairs);
    assert_eq!(log[1].status, 404);
}

#[tokio::test]
async fn hook_changes_the_account_between_pages() {
    let bench = Bench::start(small()).await;
    let mut calls = 0;
    bench.vendor().after_each_request(move |vendor, request| {
        calls += 1;
        if calls == 1 && request.path.ends_with("/assets") {
            vendor.insert(SimEntity::Asset, json!({"name": "between"}));
        }
    });
    assert_eq!(bench.get("/assets?limit=100").await.results().len(), 20);
    assert_eq!(bench.get("/assets?limit=100").await.results().len(), 21);
    assert_eq!(bench.get("/assets?limit=100").await.results().len(), 21);
}

#[tokio::test]
async fn port_in_use_is_told_apart() {
    let first = UpkeepSim::start(small(), 0).await.unwrap();
    let second = UpkeepSim::start(small(), first.port()).await;
    assert!(matches!(second, Err(SimError::PortInUse { port }) if port == first.port()));
    assert_eq!(
        first.base_url(),
        format!("http://127.0.0.1:{}", first.port())
    );
}

#[tokio::test]
async fn stopped_server_frees_its_port() {
    let bench = Bench::start(small()).await;
    bench.get("/assets").await.results();
    let (url, port) = (bench.url("/assets"), bench.sim.port());
    bench.sim.stop().await;
    assert!(bench.http.get(url).send().await.is_err());
    UpkeepSim::start(small(), port).await.unwrap().stop().await;
}

#[tokio::test]
async fn run_until_serves_until_the_signal() {
    let bench = Bench::start(small()).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (url, http, token) = (bench.url("/assets"), bench.http, bench.token);
    let client = async {
        let answer = http
            .get(&url)
            .header("Session-Token", token)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        stop.send(()).unwrap();
    };
    tokio::join!(bench.sim.run_until(stopped), client);
    assert!(http.get(&url).send().await.is_err());
}

#[tokio::test]
async fn debug_output_of_the_configuration_has_no_secret() {
    let text = format!("{:?}", small().password("s3cret").ready_token("tok3n"));
    assert!(!text.contains("s3cret") && !text.contains("tok3n"));
}
