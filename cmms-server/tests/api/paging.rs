//! Lists in pages.

use crate::fixture::Fixture;
use cmms::CreateWorkOrder;
use serde_json::Value;
use std::collections::BTreeSet;

async fn orders(api: &Fixture, count: usize) {
    for n in 0..count {
        api.client
            .work_orders()
            .create(CreateWorkOrder::new(format!("Order {n}")))
            .await
            .unwrap();
    }
}

async fn walk(api: &Fixture, path: &str) -> (Vec<usize>, Vec<String>) {
    let (mut sizes, mut ids) = (Vec::new(), Vec::new());
    let mut next = String::new();
    loop {
        let page = api.get(&format!("{path}{next}")).await.is(200);
        let items = page.json["items"].as_array().unwrap();
        sizes.push(items.len());
        ids.extend(
            items
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        match &page.json["next"] {
            Value::String(cursor) => next = format!("&cursor={cursor}"),
            other => {
                assert!(other.is_null());
                return (sizes, ids);
            }
        }
    }
}

#[tokio::test]
async fn a_walk_over_120_work_orders_sees_each_once_in_order() {
    let api = Fixture::new().await;
    orders(&api, 120).await;
    let (sizes, ids) = walk(&api, "/work-orders?limit=50").await;
    assert_eq!(sizes, [50, 50, 20]);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 120);
    assert!(ids.is_sorted());
    let (sizes, filtered) = walk(&api, "/work-orders?status=scheduled&limit=60").await;
    assert_eq!((sizes, filtered), (vec![60, 60], ids));
}

#[tokio::test]
async fn the_default_page_has_50_and_500_is_the_most() {
    let api = Fixture::new().await;
    orders(&api, 51).await;
    assert_eq!(
        api.get("/work-orders").await.is(200).json["items"]
            .as_array()
            .unwrap()
            .len(),
        50
    );
    assert_eq!(
        api.get("/work-orders?limit=500").await.is(200).json["next"],
        Value::Null
    );
}

#[tokio::test]
async fn a_cursor_of_another_list_or_filter_is_refused() {
    let api = Fixture::new().await;
    orders(&api, 3).await;
    let page = api.get("/work-orders?limit=1").await.is(200);
    let cursor = page.json["next"].as_str().unwrap();
    for path in [
        "/assets?cursor=",
        "/work-orders?status=scheduled&cursor=",
        "/cmms/runs?cursor=",
    ] {
        let reply = api
            .get(&format!("{path}{cursor}"))
            .await
            .problem(400, "CMMS-INPUT-009");
        assert_eq!(reply.json["field"], "cursor");
    }
    // Another page size is the same list.
    api.get(&format!("/work-orders?limit=2&cursor={cursor}"))
        .await
        .is(200);
}
