//! Paging, order, filters and refusals of lists.

use std::collections::BTreeSet;
use std::time::Duration;

use cmms_sim::upkeep::{EndOfList, SimEntity, UpkeepConfig};
use serde_json::json;

use crate::bench::{Bench, field, places, reply};

const BY_UPDATE: &str = "orderBy=updatedAt%20ASC";

#[tokio::test]
async fn list_envelope_has_success_and_results_only() {
    let bench = Bench::small().await;
    for list in ["work-orders", "assets", "locations", "users"] {
        let answer = bench.get(&format!("/{list}")).await;
        assert!(!answer.results().is_empty());
        assert_eq!(answer.body.as_object().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn trailing_slash_is_accepted() {
    let bench = Bench::small().await;
    let plain = bench.get("/work-orders?limit=3").await.ids();
    assert_eq!(bench.get("/work-orders/?limit=3").await.ids(), plain);
}

#[tokio::test]
async fn version_header_is_tolerated() {
    let bench = Bench::small().await;
    let request = bench.request(reqwest::Method::GET, "/assets");
    reply(request.header("upkeep-version", "2022-09-14"))
        .await
        .results();
}

#[tokio::test]
async fn sim_default_limit_is_25() {
    let bench = Bench::small().await;
    assert_eq!(bench.get("/work-orders").await.results().len(), 25);
}

#[tokio::test]
async fn sim_limit_above_200_is_clipped() {
    let bench = Bench::start(UpkeepConfig::default().assets(1).work_orders(450)).await;
    assert_eq!(
        bench.get("/work-orders?limit=200").await.results().len(),
        200
    );
    assert_eq!(
        bench.get("/work-orders?limit=5000").await.results().len(),
        200
    );
    assert_eq!(
        bench
            .get("/work-orders?limit=5000&offset=400")
            .await
            .results()
            .len(),
        50
    );
}

#[tokio::test]
async fn sim_page_cap_is_configurable() {
    let config = UpkeepConfig::default()
        .assets(1)
        .work_orders(30)
        .page_cap(7);
    let bench = Bench::start(config).await;
    assert_eq!(bench.get("/work-orders?limit=100").await.results().len(), 7);
    assert_eq!(bench.get("/work-orders").await.results().len(), 7);
}

#[tokio::test]
async fn offset_paging_reads_every_record_once() {
    let bench = Bench::start(UpkeepConfig::default()).await;
    let oracle = bench.vendor().oracle();
    for (list, truth) in [
        ("work-orders", &oracle.work_orders),
        ("assets", &oracle.assets),
    ] {
        for order in ["createdAt%20DESC", "updatedAt%20ASC", "updatedAt%20DESC"] {
            let all = bench
                .all(&format!("/{list}?limit=97&orderBy={order}"))
                .await;
            assert_eq!(all.len(), truth.len());
            for record in &all {
                assert_eq!(Some(record), truth.get(field(record, "id")));
            }
            let ids: BTreeSet<_> = all.iter().map(|record| field(record, "id")).collect();
            assert_eq!(ids.len(), truth.len());
        }
    }
}

#[tokio::test]
async fn past_the_end_is_an_empty_list_or_404_by_configuration() {
    let small = || UpkeepConfig::default().assets(3).work_orders(3);
    let bench = Bench::start(small()).await;
    assert!(bench.get("/assets?offset=3").await.results().is_empty());

    let bench = Bench::start(small().end_of_list(EndOfList::NotFound)).await;
    bench.get("/assets?offset=3").await.refused(404);
    bench.get("/assets?offset=2").await.results();

    let bench = Bench::start(small().end_of_list(EndOfList::Alternate)).await;
    for _ in 0..2 {
        assert!(bench.get("/assets?offset=3").await.results().is_empty());
        bench.get("/assets?offset=3").await.refused(404);
    }
}

#[tokio::test]
async fn list_that_is_empty_from_the_start_is_never_404() {
    let config = UpkeepConfig::default()
        .assets(0)
        .work_orders(0)
        .end_of_list(EndOfList::NotFound);
    let bench = Bench::start(config).await;
    assert!(bench.get("/work-orders").await.results().is_empty());
    bench.get("/work-orders?offset=1").await.refused(404);
}

#[tokio::test]
async fn default_order_is_created_at_descending() {
    let bench = Bench::small().await;
    let all = bench.get("/work-orders?limit=200").await;
    let got = places(all.results(), "createdAt");
    assert!(got.is_sorted_by(|a, b| a > b));
    let named = bench
        .get("/work-orders?limit=200&orderBy=createdAt%20DESC")
        .await;
    assert_eq!(named.ids(), all.ids());
}

#[tokio::test]
async fn every_documented_order_sorts_work_orders() {
    let bench = Bench::small().await;
    for name in [
        "createdAt",
        "updatedAt",
        "dueDate",
        "endDueDate",
        "dateCompleted",
    ] {
        let up = bench
            .get(&format!("/work-orders?limit=200&orderBy={name}+ASC"))
            .await;
        assert!(places(up.results(), name).is_sorted(), "{name}");
        let mut down = bench
            .get(&format!("/work-orders?limit=200&orderBy={name}%20DESC"))
            .await
            .ids();
        down.reverse();
        assert_eq!(down, up.ids(), "{name}");
    }
}

#[tokio::test]
async fn order_is_validated_per_resource() {
    let bench = Bench::small().await;
    for order in [
        "title%20ASC",
        "updatedAt",
        "updatedAt%20asc",
        "updatedAt%20%20ASC",
        "updatedAt%20UP",
        "",
    ] {
        bench
            .get(&format!("/work-orders?orderBy={order}"))
            .await
            .refused(400);
    }
    bench
        .get("/assets?orderBy=dueDate%20ASC")
        .await
        .refused(400);
    bench.get("/assets?orderBy=updatedAt%20ASC").await.results();
}

#[tokio::test]
async fn equal_updated_at_is_ordered_by_id() {
    let bench = Bench::start(UpkeepConfig::default()).await;
    let all = bench
        .all(&format!("/work-orders?limit=25&{BY_UPDATE}"))
        .await;
    let got = places(&all, "updatedAt");
    assert!(got.is_sorted_by(|a, b| a < b));
    let ties = got.windows(2).filter(|pair| pair[0].0 == pair[1].0).count();
    assert!(ties > 60, "{ties}");
}

#[tokio::test]
async fn limit_and_offset_must_be_whole_numbers() {
    let bench = Bench::small().await;
    for query in [
        "limit=0",
        "limit=-1",
        "limit=ten",
        "limit=",
        "offset=-1",
        "offset=1.5",
    ] {
        bench.get(&format!("/assets?{query}")).await.refused(400);
    }
    bench.get("/assets?offset=0").await.results();
}

#[tokio::test]
async fn record_changed_between_pages_moves_to_the_end_and_shifts_the_rest() {
    let bench = Bench::small().await;
    let first = bench
        .get(&format!("/work-orders?limit=10&{BY_UPDATE}"))
        .await
        .ids();
    let next = bench
        .get(&format!("/work-orders?limit=1&offset=10&{BY_UPDATE}"))
        .await
        .ids();
    bench
        .vendor()
        .update(SimEntity::WorkOrder, &first[0], json!({"title": "moved"}));
    let second = bench
        .all(&format!("/work-orders?limit=10&{BY_UPDATE}"))
        .await;
    let again = bench
        .get(&format!("/work-orders?limit=10&offset=10&{BY_UPDATE}"))
        .await
        .ids();
    assert!(!again.contains(&next[0]));
    assert_eq!(field(second.last().unwrap(), "id"), first[0]);
}

#[tokio::test]
async fn cached_orders_follow_every_kind_of_write() {
    let bench = Bench::small().await;
    let lists = [
        "/work-orders?limit=30&orderBy=updatedAt%20ASC",
        "/work-orders?limit=30&orderBy=dueDate%20DESC",
        "/work-orders?limit=30&status=open",
        "/work-orders?limit=30&archived=false&orderBy=updatedAt%20ASC&updatedAtGreaterThanOrEqualTo=1700000000000",
    ];
    for list in lists {
        bench.all(list).await;
    }
    let vendor = bench.vendor();
    vendor.edit(60);
    let new = vendor.insert(
        SimEntity::WorkOrder,
        json!({"title": "new", "status": "open"}),
    );
    let gone = vendor.oracle().work_orders.keys().next().unwrap().clone();
    vendor.remove(SimEntity::WorkOrder, &gone);
    vendor.set_raw(
        SimEntity::WorkOrder,
        &new,
        json!({"title": 7, "updatedAt": "2020-01-01T00:00:00.000Z"}),
    );
    let mut warm = Vec::new();
    for list in lists {
        warm.push(bench.all(list).await);
    }
    // Hiding nothing throws the cached orders away.
    vendor.hide_records(SimEntity::WorkOrder, Vec::<String>::new());
    for (list, warm) in lists.into_iter().zip(warm) {
        assert_eq!(bench.all(list).await, warm, "{list}");
    }
}

#[tokio::test]
async fn large_account_pages_to_its_end() {
    let config = UpkeepConfig::default().assets(10).work_orders(20_000);
    let bench = Bench::start(config).await;
    assert_eq!(
        bench
            .all(&format!("/work-orders?limit=200&{BY_UPDATE}"))
            .await
            .len(),
        20_000
    );
}

#[tokio::test]
async fn latency_delays_each_answer() {
    let bench = Bench::start(UpkeepConfig::default().assets(1).work_orders(1)).await;
    let wait = Duration::from_millis(30);
    bench.vendor().set_latency(wait);
    let start = std::time::Instant::now();
    bench.get("/assets").await.results();
    assert!(start.elapsed() >= wait);
}
