//! Calls that break, and calls whose callers leave.

use crate::fixture::{Fixture, request};
use crate::odd::odd;
use axum::body::Body;
use serde_json::{Value, json};
use std::time::Duration;
use tower::ServiceExt;

#[tokio::test]
async fn a_panic_becomes_a_problem_and_the_server_lives_on() {
    let (api, _, id) = odd().await;
    let reply = api
        .send(request(
            "POST",
            &format!("/cmms/connections/{id}/test"),
            Body::empty(),
        ))
        .await;
    let reply = reply.problem(500, "CMMS-INTERNAL-001");
    assert!(!reply.text.contains("secret"), "{}", reply.text);
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    api.order("still here").await;
}

#[tokio::test]
async fn a_caller_who_leaves_ends_the_sync_in_order() {
    let (api, odd, id) = odd().await;
    let body = Body::from(json!({ "cmms_connection_id": id }).to_string());
    let mut call = request("POST", "/cmms/sync/work-orders", body);
    call.headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    {
        let mut answer = std::pin::pin!(api.router.clone().oneshot(call));
        tokio::select! {
            answer = &mut answer => panic!("{answer:?}"),
            () = odd.pulling.notified() => {}
        }
        // Here the caller leaves.
    }
    assert_eq!(ended(&api).await, "cancelled");
    // The lease is free, so the connection can be removed.
    let path = format!("/cmms/connections/{id}");
    api.send(request("DELETE", &path, Body::empty()))
        .await
        .is(200);
}

#[tokio::test]
async fn a_second_sync_is_told_which_run_goes_on() {
    let (api, odd, id) = odd().await;
    let body = json!({ "cmms_connection_id": id });
    let mut first = std::pin::pin!(api.post("/cmms/sync/work-orders", body.clone()));
    tokio::select! {
        answer = &mut first => panic!("{answer:?}"),
        () = odd.pulling.notified() => {}
    }
    let second = api
        .post("/cmms/sync/all", body)
        .await
        .problem(409, "CMMS-SYNC-001");
    let run = api.get("/cmms/runs").await.is(200).json["items"][0]["id"].clone();
    assert_eq!(
        second.json["subject"],
        json!({ "name": "run_id", "id": run })
    );
    let path = format!("/cmms/connections/{id}");
    api.send(request("DELETE", &path, Body::empty()))
        .await
        .problem(409, "CMMS-CONN-006");
}

#[tokio::test]
async fn a_vendor_that_asks_to_wait_is_passed_on() {
    let (api, _, id) = odd().await;
    let path = format!("/cmms/connections/{id}");
    let body = json!({ "api_url": "https://limited", "api_key": "k" });
    api.json("PATCH", &path, body).await.is(200);
    let reply = api
        .send(request("POST", &format!("{path}/test"), Body::empty()))
        .await;
    let reply = reply.problem(429, "CMMS-VENDOR-005");
    assert_eq!(reply.header("retry-after"), "7");
    assert_eq!(
        (&reply.json["retryable"], &reply.json["retry_after"]),
        (&json!(true), &json!(7))
    );
}

/// The status of the only run, once it is no longer running.
pub(crate) async fn ended(api: &Fixture) -> Value {
    for _ in 0..500 {
        let run = api.get("/cmms/runs").await.is(200);
        let status = run.json["items"][0]["status"].clone();
        if status.is_string() && status != "running" {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the run does not end")
}
