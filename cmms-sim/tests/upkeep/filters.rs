//! Filters of lists, and the refusal of unknown ones.

use std::collections::BTreeSet;

use cmms_sim::upkeep::{FilterSupport, SimEntity, UpkeepConfig};
use serde_json::{Value, json};

use crate::bench::{Bench, field, places};

const BY_UPDATE: &str = "orderBy=updatedAt%20ASC";

#[tokio::test]
async fn updated_bounds_are_inclusive_on_work_orders() {
    let bench = Bench::start(UpkeepConfig::default()).await;
    let all = places(
        &bench
            .all(&format!("/work-orders?limit=200&{BY_UPDATE}"))
            .await,
        "updatedAt",
    );
    let (low, high) = (all[500].0, all[900].0);
    let wanted: BTreeSet<_> = all
        .iter()
        .filter(|(time, _)| (low..=high).contains(time))
        .cloned()
        .collect();
    let range = format!("updatedAtGreaterThanOrEqualTo={low}&updatedAtLessThanOrEqualTo={high}");
    for order in ["updatedAt%20ASC", "createdAt%20DESC"] {
        let got = bench
            .all(&format!("/work-orders?limit=200&orderBy={order}&{range}"))
            .await;
        let got: BTreeSet<_> = places(&got, "updatedAt").into_iter().collect();
        assert_eq!(got, wanted);
    }
    let none = format!("updatedAtGreaterThanOrEqualTo={high}&updatedAtLessThanOrEqualTo={low}");
    assert!(
        bench
            .get(&format!("/work-orders?{BY_UPDATE}&{none}"))
            .await
            .results()
            .is_empty()
    );
}

#[tokio::test]
async fn updated_bounds_must_be_epoch_milliseconds() {
    let bench = Bench::small().await;
    bench
        .get("/work-orders?updatedAtGreaterThanOrEqualTo=2026-01-01")
        .await
        .refused(400);
}

#[tokio::test]
async fn updated_bounds_on_assets_follow_the_configuration() {
    let config = |support| {
        UpkeepConfig::default()
            .assets(50)
            .work_orders(1)
            .asset_filter(support)
    };
    let query = "/assets?limit=200&updatedAtGreaterThanOrEqualTo=4000000000000";
    let bench = Bench::start(config(FilterSupport::Honoured)).await;
    assert!(bench.get(query).await.results().is_empty());
    let bench = Bench::start(config(FilterSupport::Ignored)).await;
    assert_eq!(bench.get(query).await.results().len(), 50);
    let bench = Bench::start(config(FilterSupport::Refused)).await;
    bench.get(query).await.refused(400);
}

#[tokio::test]
async fn equality_filters_of_work_orders_agree_with_the_oracle() {
    let bench = Bench::start(UpkeepConfig::default()).await;
    let oracle = bench.vendor().oracle();
    let id_of = |value: &Value| value.as_str().or(value["id"].as_str()).map(str::to_owned);
    let asset = oracle
        .work_orders
        .values()
        .find_map(|value| id_of(&value["asset"]).filter(|id| !id.is_empty()))
        .unwrap();
    let place = oracle.locations.keys().next().unwrap().clone();
    let user = oracle.users.keys().next().unwrap().clone();
    let plain = |text: &str| text.to_lowercase().replace([' ', '_', '-'], "");
    type Check<'a> = Box<dyn Fn(&Value) -> bool + 'a>;
    let cases: Vec<(String, Check<'_>)> = vec![
        (
            format!("asset={asset}"),
            Box::new(|value| id_of(&value["asset"]).as_ref() == Some(&asset)),
        ),
        (
            format!("location={place}"),
            Box::new(|value| {
                let name = if value["objectLocationForWorkOrder"].is_null() {
                    "location"
                } else {
                    "objectLocationForWorkOrder"
                };
                id_of(&value[name]).as_ref() == Some(&place)
            }),
        ),
        (
            format!("assignedToUser={user}"),
            Box::new(|value| id_of(&value["assignedToUser"]).as_ref() == Some(&user)),
        ),
        (
            "status=inProgress".to_owned(),
            Box::new(move |value| plain(field(value, "status")) == "inprogress"),
        ),
        (
            "archived=true".to_owned(),
            Box::new(|value| value["archived"] == json!(true)),
        ),
        (
            "archived=false".to_owned(),
            Box::new(|value| value["archived"] != json!(true)),
        ),
        (
            "category=Damage".to_owned(),
            Box::new(|value| value["category"] == json!("Damage")),
        ),
        (
            "priority=2".to_owned(),
            Box::new(|value| value["priority"] == json!(2) || value["priority"] == json!("2")),
        ),
        (
            "isComplete=true".to_owned(),
            Box::new(|value| field(value, "status").eq_ignore_ascii_case("complete")),
        ),
    ];
    for (query, matches) in cases {
        let got = bench.all(&format!("/work-orders?limit=200&{query}")).await;
        let got: BTreeSet<_> = got
            .iter()
            .map(|value| field(value, "id").to_owned())
            .collect();
        let wanted: BTreeSet<_> = oracle
            .work_orders
            .iter()
            .filter(|(_, value)| matches(value))
            .map(|(id, _)| id.clone())
            .collect();
        assert!(!wanted.is_empty(), "{query}");
        assert_eq!(got, wanted, "{query}");
    }
}

#[tokio::test]
async fn title_and_name_filters_are_exact() {
    let bench = Bench::small().await;
    bench
        .vendor()
        .insert(SimEntity::WorkOrder, json!({"title": "Exact one"}));
    assert_eq!(
        bench
            .get("/work-orders?title=Exact+one")
            .await
            .results()
            .len(),
        1
    );
    assert!(
        bench
            .get("/work-orders?title=Exact")
            .await
            .results()
            .is_empty()
    );
    assert!(
        bench
            .get("/work-orders?title=exact+one")
            .await
            .results()
            .is_empty()
    );
    bench.vendor().insert(
        SimEntity::Asset,
        json!({"name": "Exact two", "serial": "S1", "barcode": "B1"}),
    );
    for query in ["name=Exact%20two", "serial=S1", "barcode=B1"] {
        assert_eq!(
            bench.get(&format!("/assets?{query}")).await.results().len(),
            1
        );
    }
}

#[tokio::test]
async fn filters_that_do_not_suit_are_400() {
    let bench = Bench::small().await;
    for query in ["archived=yes", "isComplete=1", "priority=high"] {
        bench
            .get(&format!("/work-orders?{query}"))
            .await
            .refused(400);
    }
}

#[tokio::test]
async fn archived_is_left_out_of_unfiltered_lists_by_configuration() {
    let config = UpkeepConfig::default().archived_listed(false);
    let bench = Bench::start(config).await;
    let archived = bench
        .all("/work-orders?limit=200&archived=true")
        .await
        .len();
    let plain = bench
        .all("/work-orders?limit=200&archived=false")
        .await
        .len();
    assert!(archived > 0);
    assert_eq!(archived + plain, 2000);
    assert_eq!(bench.all("/work-orders?limit=200").await.len(), plain);
}

#[tokio::test]
async fn unknown_query_parameters_are_400() {
    let bench = Bench::small().await;
    for path in [
        "/work-orders?page=1",
        "/work-orders?updatedSince=1",
        "/work-orders?name=x",
        "/assets?title=x",
        "/assets?archived=true",
        "/locations?name=x",
        "/locations?updatedAtGreaterThanOrEqualTo=1",
        "/users?updatedAtGreaterThanOrEqualTo=1",
        "/work-orders?limit=5&limit=6",
    ] {
        bench.get(path).await.refused(400);
    }
}
