//! Calls that are repeated with the same key: one effect, one answer.

use crate::fixture::{Fixture, request};
use crate::odd::odd;
use axum::body::Body;
use cmms::core::domain::idempotency::KeptAnswer;
use cmms::core::ports::repository::TxExt;
use cmms::core::ports::store::{Query, TxMode};
use cmms::core::testing::SteppedClock;
use cmms::{CreateWorkOrder, ListWorkOrders, code};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// What is kept.
async fn kept(api: &Fixture) -> Vec<KeptAnswer> {
    let store = &api.client.app().store;
    let mut tx = store
        .begin(api.client.scope(), TxMode::Snapshot)
        .await
        .unwrap();
    tx.of::<KeptAnswer>().list(&Query::default()).await.unwrap()
}

async fn orders(api: &Fixture) -> usize {
    let list = api
        .client
        .work_orders()
        .list(ListWorkOrders::new().limit(500u32));
    list.await.unwrap().items.len()
}

#[tokio::test]
async fn a_repeated_call_has_one_effect_and_the_first_answer() {
    let api = Fixture::new().await;
    let body = json!({ "title": "Check pump", "estimated_hours": 0.1, "estimated_cost": "12.50" });
    let first = api.keyed("k-1", "/work-orders", body.clone()).await.is(201);
    assert_eq!(first.header("idempotency-replayed"), "");
    // The answer stays the first one, whatever happened since.
    let path = format!("/work-orders/{}", first.id());
    api.json("PATCH", &path, json!({ "title": "Another" }))
        .await
        .is(200);
    let audit = api.audit().await.len();
    for _ in 0..2 {
        let again = api.keyed("k-1", "/work-orders", body.clone()).await.is(201);
        assert_eq!(again.text, first.text);
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.header("location"), first.header("location"));
        assert_eq!(again.header("etag"), first.header("etag"));
    }
    assert_eq!((orders(&api).await, api.audit().await.len()), (1, audit));
    // Another key, and no key, are other wishes.
    api.keyed("k-2", "/work-orders", body.clone()).await.is(201);
    api.post("/work-orders", body).await.is(201);
    assert_eq!(orders(&api).await, 3);
}

#[tokio::test]
async fn a_key_stands_for_one_input_of_one_operation_and_one_caller() {
    let api = Fixture::new().await;
    api.keyed("k", "/work-orders", json!({ "title": "a" }))
        .await
        .is(201);
    let before = api.dump().await;
    let other = api
        .keyed("k", "/work-orders", json!({ "title": "b" }))
        .await;
    let other = other.problem(422, "CMMS-OP-005");
    assert_eq!(other.json["field"], "idempotency_key");
    assert_eq!(api.dump().await, before);
    let asset = json!({ "asset_id": "a", "name": "A", "asset_type": "tool" });
    api.keyed("k", "/assets", asset).await.is(201);
    let anna = api
        .client
        .acting_as(cmms::core::context::Principal::user("anna"));
    let anna = anna.with_idempotency_key("k").unwrap();
    anna.work_orders()
        .create(CreateWorkOrder::new("b"))
        .await
        .unwrap();
    assert_eq!(orders(&api).await, 2);
}

#[tokio::test]
async fn a_call_that_fails_keeps_nothing_and_can_be_repeated() {
    let api = Fixture::new().await;
    let asset =
        json!({ "asset_id": "a", "name": "A", "asset_type": "tool", "parent_asset_id": "b" });
    api.keyed("k", "/assets", asset.clone())
        .await
        .problem(404, "CMMS-ASSET-001");
    assert!(kept(&api).await.is_empty());
    let parent = json!({ "asset_id": "b", "name": "B", "asset_type": "tool" });
    api.post("/assets", parent).await.is(201);
    let made = api.keyed("k", "/assets", asset.clone()).await.is(201);
    assert_eq!(
        api.keyed("k", "/assets", asset).await.is(201).text,
        made.text
    );
}

#[tokio::test]
async fn a_key_is_visible_ascii_and_comes_once() {
    let api = Fixture::new().await;
    let long = "x".repeat(256);
    for bad in ["", "a b", long.as_str()] {
        let reply = api
            .keyed(bad, "/work-orders", json!({ "title": "a" }))
            .await;
        reply.problem(422, "CMMS-OP-007");
    }
    let mut twice = request("POST", "/work-orders", Body::from(r#"{"title":"a"}"#));
    twice
        .headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    for key in ["a", "b"] {
        twice
            .headers_mut()
            .append("idempotency-key", key.parse().unwrap());
    }
    api.send(twice).await.problem(422, "CMMS-OP-007");
    assert_eq!(orders(&api).await, 0);
    // Reads need none, and take none.
    let mut read = request("GET", "/work-orders", Body::empty());
    read.headers_mut()
        .insert("idempotency-key", "a b".parse().unwrap());
    api.send(read).await.is(200);
}

#[tokio::test]
async fn an_answer_is_forgotten_after_a_day() {
    let clock = Arc::new(SteppedClock::default());
    let api = Fixture::built(&[], |builder| builder.clock(clock.clone())).await;
    let body = json!({ "title": "a" });
    for key in ["k", "other"] {
        api.keyed(key, "/work-orders", body.clone()).await.is(201);
    }
    clock.advance(Duration::from_secs(24 * 3600 - 1));
    api.keyed("k", "/work-orders", body.clone()).await.is(201);
    assert_eq!(orders(&api).await, 2);
    clock.advance(Duration::from_secs(1));
    api.keyed("k", "/work-orders", json!({ "title": "b" }))
        .await
        .is(201);
    assert_eq!(orders(&api).await, 3);
    // What was forgotten is cleared away by whoever comes next.
    assert_eq!(kept(&api).await.len(), 1);
}

#[tokio::test]
async fn a_repeated_sync_answers_the_run_of_the_first() {
    let (api, odd, id) = odd().await;
    let body = json!({ "cmms_connection_id": id });
    let path = "/cmms/sync/work-orders";
    {
        let mut first = std::pin::pin!(api.keyed("k", path, body.clone()));
        tokio::select! {
            answer = &mut first => panic!("{answer:?}"),
            () = odd.pulling.notified() => {}
        }
        let second = api.keyed("k", path, body.clone()).await;
        second.problem(409, "CMMS-OP-006");
        // Here the first caller leaves, without its answer.
    }
    assert_eq!(crate::calls::ended(&api).await, "cancelled");
    let again = loop {
        let again = api.keyed("k", path, body.clone()).await;
        if again.json["code"] != "CMMS-OP-006" {
            break again.is(200);
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(again.json["status"], "cancelled");
    assert_eq!(again.header("idempotency-replayed"), "true");
    let runs = api.get("/cmms/runs").await.is(200);
    assert_eq!(runs.json["items"].as_array().unwrap().len(), 1);
    assert_eq!(runs.json["items"][0]["id"], again.json["id"]);
    // A run that goes on is the answer, too.
    let started = api
        .keyed("w", &format!("{path}?wait=false"), body.clone())
        .await
        .is(202);
    let again = api
        .keyed("w", &format!("{path}?wait=false"), body)
        .await
        .is(202);
    assert_eq!(
        (again.id(), again.header("location")),
        (started.id(), started.header("location"))
    );
    api.client.stop().await;
}

#[tokio::test]
async fn neither_key_nor_secret_is_kept() {
    let api = Fixture::new().await;
    let body = json!({
        "cmms_type": "upkeep", "api_url": "https://api.onupkeep.com", "connection_name": "c",
        "api_key": "very-secret-token"
    });
    let first = api
        .keyed("my-own-key", "/cmms/connections", body.clone())
        .await
        .is(201);
    let rows = format!("{:?}", kept(&api).await);
    assert!(
        !rows.contains("very-secret") && !rows.contains("my-own-key"),
        "{rows}"
    );
    assert_eq!(
        api.keyed("my-own-key", "/cmms/connections", body.clone())
            .await
            .is(201)
            .text,
        first.text
    );
    let mut other = body;
    other["api_key"] = "another-token".into();
    let refused = api.keyed("my-own-key", "/cmms/connections", other).await;
    refused.problem(422, "CMMS-OP-005");
}

#[tokio::test]
async fn embedded_callers_repeat_calls_too() {
    let api = Fixture::new().await;
    let client = api.client.with_idempotency_key("wish").unwrap();
    let wish = || {
        CreateWorkOrder::new("Check pump")
            .tags(vec!["a".to_owned()])
            .estimated_hours(0.1)
    };
    let first = client.work_orders().create(wish()).await.unwrap();
    let again = client.work_orders().create(wish()).await.unwrap();
    assert_eq!(again, first);
    let e = client
        .work_orders()
        .create(CreateWorkOrder::new("b"))
        .await
        .unwrap_err();
    assert!(e.is(code::OP_KEY_REUSED), "{e}");
    let e = api.client.with_idempotency_key("a b").unwrap_err();
    assert!(e.is(code::OP_KEY), "{e}");
    // A key changes no read.
    assert_eq!(
        client
            .work_orders()
            .list(ListWorkOrders::new())
            .await
            .unwrap()
            .items
            .len(),
        1
    );
}

/// Ten callers who send the same at once: one effect; each gets the answer or is told to wait.
#[tokio::test(flavor = "multi_thread")]
async fn callers_at_once_have_one_effect() {
    let api = Arc::new(Fixture::new().await);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let api = Arc::clone(&api);
        calls.spawn(async move {
            let body = json!({ "title": "a" });
            api.keyed("k", "/work-orders", body).await
        });
    }
    let answers = calls.join_all().await;
    let made: Vec<&Value> = answers
        .iter()
        .filter(|a| a.status == 201)
        .map(|a| &a.json)
        .collect();
    assert!(!made.is_empty() && made.iter().all(|m| *m == made[0]));
    let told = |a: &&crate::fixture::Reply| a.status == 409 && a.json["code"] == "CMMS-OP-006";
    assert_eq!(made.len() + answers.iter().filter(told).count(), 10);
    assert_eq!(orders(&api).await, 1);
}
