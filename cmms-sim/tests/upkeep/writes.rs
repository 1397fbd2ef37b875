//! Create, update and delete over the API.

use cmms_sim::upkeep::SimEntity;
use reqwest::Method;
use serde_json::{Value, json};

use crate::bench::{Bench, field, reply};

#[tokio::test]
async fn sim_create_answers_200_with_the_record() {
    let bench = Bench::small().await;
    let body = json!({"title": "Replace seal", "description": "Leak at pump 3", "priority": 3,
        "category": "Preventive", "dueDate": 1_767_225_600_000_i64, "asset": "aB3dE6gH9k",
        "location": "Lq8rT2vX5z", "assignedToUser": "Us4Er6Id8x", "decreaseInventory": "manual"});
    let answer = bench.send(Method::POST, "/work-orders", &body).await;
    let record = answer.result();
    assert_eq!(record["status"], json!("open"));
    assert_eq!(record["dueDate"], json!("2026-01-01T00:00:00.000Z"));
    assert_eq!(record["createdAt"], record["updatedAt"]);
    assert_eq!(field(record, "id").len(), 10);
    assert_eq!(record.get("decreaseInventory"), None);
    assert_eq!(
        &bench.vendor().oracle().work_orders[field(record, "id")],
        record
    );
}

#[tokio::test]
async fn created_records_are_listed_at_once() {
    let bench = Bench::small().await;
    let order = bench
        .send(Method::POST, "/work-orders/", &json!({"title": "Seal"}))
        .await;
    let asset = bench
        .send(Method::POST, "/assets", &json!({"name": "Pump 3"}))
        .await;
    assert_eq!(asset.result()["status"], json!("active"));
    for (list, answer) in [("work-orders", order), ("assets", asset)] {
        for query in ["limit=1", "limit=1&orderBy=updatedAt%20DESC"] {
            assert_eq!(
                &bench.get(&format!("/{list}?{query}")).await.results()[0],
                answer.result()
            );
        }
    }
}

#[tokio::test]
async fn create_that_does_not_suit_is_400_as_a_whole() {
    let bench = Bench::small().await;
    let before = bench.vendor().oracle();
    for body in [
        json!({}),
        json!({"title": ""}),
        json!({"title": null}),
        json!({"title": "t", "category": "No such category"}),
        json!({"title": "t", "priority": 4}),
        json!({"title": "t", "priority": "high"}),
        json!({"title": "t", "status": "In Progress"}),
        json!({"title": "t", "dueDate": "soon"}),
        json!([]),
    ] {
        bench
            .send(Method::POST, "/work-orders", &body)
            .await
            .refused(400);
    }
    bench
        .send(
            Method::POST,
            "/assets",
            &json!({"name": "a", "status": "broken"}),
        )
        .await
        .refused(400);
    bench
        .send(Method::POST, "/assets?x=1", &json!({"name": "a"}))
        .await
        .refused(400);
    assert_eq!(bench.vendor().oracle(), before);
}

#[tokio::test]
async fn form_encoded_numbers_stay_text() {
    let bench = Bench::small().await;
    let form = [
        ("title", "Form"),
        ("priority", "2"),
        ("cost", "12.50"),
        ("dueDate", "1767225600000"),
    ];
    let answer = reply(bench.request(Method::POST, "/work-orders").form(&form)).await;
    assert_eq!(answer.result()["priority"], json!("2"));
    assert_eq!(answer.result()["cost"], json!("12.50"));
    assert_eq!(
        answer.result()["dueDate"],
        json!("2026-01-01T00:00:00.000Z")
    );
}

#[tokio::test]
async fn patch_changes_only_the_given_fields() {
    let bench = Bench::small().await;
    let id = bench.vendor().insert(
        SimEntity::WorkOrder,
        json!({"title": "a", "description": "b", "priority": 1}),
    );
    let before = bench.vendor().oracle().work_orders[&id].clone();
    let patch = json!({"title": "c", "dueDate": "2026-03-01T00:00:00.000Z", "id": "other", "createdAt": "x"});
    let answer = bench
        .send(Method::PATCH, &format!("/work-orders/{id}"), &patch)
        .await;
    let mut wanted = before.clone();
    wanted["title"] = json!("c");
    wanted["dueDate"] = json!("2026-03-01T00:00:00.000Z");
    wanted["updatedAt"] = answer.result()["updatedAt"].clone();
    assert_eq!(answer.result(), &wanted);
    assert!(field(answer.result(), "updatedAt") > field(&before, "updatedAt"));
}

#[tokio::test]
async fn completing_is_a_patch_of_the_status() {
    let bench = Bench::small().await;
    let id = bench.vendor().insert(
        SimEntity::WorkOrder,
        json!({"title": "a", "status": "inProgress"}),
    );
    let path = format!("/work-orders/{id}");
    let done = bench
        .send(Method::PATCH, &path, &json!({"status": "complete"}))
        .await;
    assert_eq!(done.result()["dateCompleted"], done.result()["updatedAt"]);
    assert_eq!(done.result()["isComplete"], json!(true));
    let again = bench
        .send(Method::PATCH, &path, &json!({"status": "open"}))
        .await;
    assert_eq!(again.result()["dateCompleted"], Value::Null);
}

#[tokio::test]
async fn patch_that_does_not_suit_changes_nothing() {
    let bench = Bench::small().await;
    let before = bench.vendor().oracle();
    let id = before.work_orders.keys().next().unwrap();
    bench
        .send(
            Method::PATCH,
            &format!("/work-orders/{id}"),
            &json!({"status": "done"}),
        )
        .await
        .refused(400);
    bench
        .send(
            Method::PATCH,
            "/work-orders/Nobody0000",
            &json!({"title": "x"}),
        )
        .await
        .refused(404);
    assert_eq!(bench.vendor().oracle(), before);
}

#[tokio::test]
async fn delete_leaves_no_trace_in_lists() {
    let bench = Bench::small().await;
    for list in ["work-orders", "assets"] {
        let id = bench.get(&format!("/{list}?limit=1")).await.ids().remove(0);
        let path = format!("/{list}/{id}");
        let answer = reply(bench.request(Method::DELETE, &path)).await;
        assert_eq!(
            (answer.status, &answer.body["success"]),
            (200, &json!(true))
        );
        assert!(answer.body["message"].is_string());
        bench.get(&path).await.refused(404);
        reply(bench.request(Method::DELETE, &path))
            .await
            .refused(404);
        let all = bench.all(&format!("/{list}?limit=100")).await;
        assert!(all.iter().all(|record| field(record, "id") != id));
    }
}
