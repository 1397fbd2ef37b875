//! Faults that can be ordered.

use cmms_sim::upkeep::{EndOfList, SimEntity, UpkeepConfig};
use serde_json::json;

use crate::bench::Bench;

#[tokio::test]
async fn sim_429_with_and_without_retry_after() {
    let bench = Bench::small().await;
    bench.vendor().fail_next(1, 429, Some("3".to_owned()));
    bench.vendor().fail_next(2, 429, None);
    let first = bench.get("/assets").await;
    first.refused(429);
    assert_eq!(first.retry_after.as_deref(), Some("3"));
    for _ in 0..2 {
        let next = bench.get("/assets").await;
        next.refused(429);
        assert_eq!(next.retry_after, None);
    }
    bench.get("/assets").await.results();
}

#[tokio::test]
async fn ordered_failures_spare_logins() {
    let mut bench = Bench::small().await;
    bench.vendor().fail_next(2, 503, None);
    bench.log_in().await;
    bench.get("/assets").await.refused(503);
    let id = bench
        .vendor()
        .oracle()
        .assets
        .keys()
        .next()
        .unwrap()
        .clone();
    bench.get(&format!("/assets/{id}")).await.refused(503);
    bench.get("/assets").await.results();
}

#[tokio::test]
async fn any_status_can_be_ordered() {
    let bench = Bench::small().await;
    for status in [400, 401, 403, 404, 409, 500, 502] {
        bench.vendor().fail_next(1, status, None);
        bench.get("/work-orders").await.refused(status);
    }
}

#[tokio::test]
async fn hidden_records_are_missing_from_lists_only() {
    let bench = Bench::small().await;
    let ids: Vec<String> = bench
        .vendor()
        .oracle()
        .work_orders
        .keys()
        .take(100)
        .cloned()
        .collect();
    bench.all("/work-orders?limit=200").await;
    bench.vendor().hide_records(SimEntity::WorkOrder, &ids);
    assert_eq!(bench.all("/work-orders?limit=200").await.len(), 20);
    bench.vendor().update(
        SimEntity::WorkOrder,
        &ids[0],
        json!({"title": "still hidden"}),
    );
    assert_eq!(bench.all("/work-orders?limit=200").await.len(), 20);
    bench
        .get(&format!("/work-orders/{}", ids[0]))
        .await
        .result();
    assert_eq!(bench.vendor().oracle().work_orders.len(), 120);
    bench
        .vendor()
        .hide_records(SimEntity::WorkOrder, Vec::<String>::new());
    assert_eq!(bench.all("/work-orders?limit=200").await.len(), 120);
}

#[tokio::test]
async fn records_are_hidden_by_a_condition() {
    let bench = Bench::small().await;
    let hidden = bench.vendor().hide_where(SimEntity::Asset, |asset| {
        asset["status"] == json!("inactive")
    });
    assert!(hidden > 0);
    assert_eq!(bench.all("/assets?limit=200").await.len(), 60 - hidden);
    assert!(
        bench
            .get("/assets?status=inactive")
            .await
            .results()
            .is_empty()
    );
}

#[tokio::test]
async fn lists_can_turn_empty_and_back() {
    let config = UpkeepConfig::default()
        .assets(9)
        .work_orders(9)
        .end_of_list(EndOfList::NotFound);
    let bench = Bench::start(config).await;
    bench.vendor().empty_lists(true);
    for list in ["work-orders", "assets", "locations", "users"] {
        assert!(bench.get(&format!("/{list}")).await.results().is_empty());
    }
    bench.get("/assets?offset=5").await.refused(404);
    assert_eq!(bench.vendor().oracle().assets.len(), 9);
    bench.vendor().empty_lists(false);
    assert_eq!(bench.get("/assets").await.results().len(), 9);
}
