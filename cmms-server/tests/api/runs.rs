//! Runs that go on after their answer: started, polled, cancelled.

use crate::calls::ended;
use crate::fixture::{Fixture, request};
use crate::odd::{odd, odd_with};
use axum::body::Body;
use cmms::core::testing::SteppedClock;
use cmms::{StartSync, SyncStatus};
use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A client of a simulated vendor, and the id of a connection to it.
async fn plant() -> (Fixture, UpkeepSim, String) {
    let config = UpkeepConfig::default()
        .assets(5)
        .work_orders(30)
        .ready_token("key");
    let sim = UpkeepSim::start(config, 0).await.unwrap();
    let url = sim.base_url();
    let api = Fixture::with(&[("CMMS_EGRESS_ALLOW", &url)], Vec::new()).await;
    let body =
        json!({ "cmms_type": "upkeep", "api_url": url, "api_key": "key", "connection_name": "c" });
    let id = api.post("/cmms/connections", body).await.is(201).id();
    (api, sim, id)
}

async fn cancel(api: &Fixture, run: &str) -> crate::fixture::Reply {
    let path = format!("/cmms/runs/{run}/cancel");
    api.send(request("POST", &path, Body::empty())).await
}

#[tokio::test]
async fn a_run_that_is_not_waited_for_is_answered_with_202_and_its_place() {
    let (api, sim, id) = plant().await;
    let body = json!({ "cmms_connection_id": id });
    let started = api.post("/cmms/sync/all?wait=false", body).await.is(202);
    assert_eq!(started.json["status"], "running");
    assert_eq!(started.json["finished_at"], Value::Null);
    let place = started.header("location").to_owned();
    assert_eq!(place, format!("/cmms/runs/{}", started.id()));
    api.client.settled().await;
    let run = api.get(&place).await.is(200);
    assert_eq!(run.json["status"], "ok", "{}", run.text);
    assert_eq!(
        (&run.json["work_orders_synced"], &run.json["assets_synced"]),
        (&json!(30), &json!(5))
    );
    // Whoever waits gets the end with 200.
    let body = json!({ "cmms_connection_id": id, "wait": true });
    let run = api.post("/cmms/sync/all", body).await.is(200);
    assert_eq!(run.json["status"], "ok");
    assert_eq!(run.header("location"), "");
    sim.stop().await;
}

#[tokio::test]
async fn a_run_that_takes_longer_than_ten_seconds_is_answered_with_202_and_goes_on() {
    let clock = Arc::new(SteppedClock::default());
    let (api, odd, id) = odd_with(|builder| builder.clock(clock.clone())).await;
    let body = json!({ "cmms_connection_id": id });
    let started = api.post("/cmms/sync/work-orders", body).await.is(202);
    assert_eq!(clock.sleeps(), [Duration::from_secs(10)]);
    assert_eq!(started.json["status"], "running");
    odd.pulling.notified().await;
    let place = started.header("location").to_owned();
    assert_eq!(api.get(&place).await.is(200).json["status"], "running");
    let over = cancel(&api, &started.id()).await.is(200);
    assert!(matches!(
        over.json["status"].as_str(),
        Some("cancelled" | "running")
    ));
    assert_eq!(ended(&api).await, "cancelled");
    // Nothing goes on any more.
    api.client.settled().await;
}

#[tokio::test]
async fn a_run_is_cancelled_once_whoever_waits_for_it() {
    let (api, odd, id) = odd().await;
    let body = json!({ "cmms_connection_id": id });
    let mut first = std::pin::pin!(api.post("/cmms/sync/work-orders", body));
    tokio::select! {
        answer = &mut first => panic!("{answer:?}"),
        () = odd.pulling.notified() => {}
    }
    let run = api
        .get("/cmms/runs?sort=-created_at&limit=1")
        .await
        .is(200)
        .json["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let over = cancel(&api, &run).await.is(200);
    assert_eq!(over.json["status"], "cancelled");
    assert!(over.json["finished_at"].is_string());
    // Who waits for it did not give up, so the answer is the run.
    let waited = first.await.is(200);
    assert_eq!(waited.json["status"], "cancelled");
    assert_eq!(waited.json["id"], run.as_str());
    cancel(&api, &run).await.problem(409, "CMMS-SYNC-010");
    let nobody = "018f0000-0000-7000-8000-000000000000";
    cancel(&api, nobody).await.problem(404, "CMMS-SYNC-002");
    // The lease is free.
    let path = format!("/cmms/connections/{id}");
    api.send(request("DELETE", &path, Body::empty()))
        .await
        .is(200);
}

#[tokio::test]
async fn a_program_that_stops_writes_the_end_of_its_runs() {
    let (api, odd, id) = odd().await;
    let ask = StartSync::new(id.parse::<cmms::core::ids::ConnectionId>().unwrap()).wait(false);
    let run = api.client.sync().work_orders(ask).await.unwrap();
    assert_eq!(run.status, SyncStatus::Running);
    odd.pulling.notified().await;
    api.client.stop().await;
    let run = api.client.runs().get(run.id).await.unwrap();
    assert_eq!(run.status, SyncStatus::Cancelled);
    assert!(run.finished_at.is_some());
    assert!(run.errors.0.iter().any(|e| e.code == "CMMS-OP-003"));
}

#[tokio::test]
async fn a_run_whose_program_gave_it_up_can_be_cancelled() {
    let (api, odd, id) = odd().await;
    let id: cmms::core::ids::ConnectionId = id.parse().unwrap();
    {
        let mut sync = std::pin::pin!(api.client.sync().work_orders(id));
        tokio::select! {
            done = &mut sync => panic!("{done:?}"),
            () = odd.pulling.notified() => {}
        }
    }
    let runs = api.get("/cmms/runs?status=running").await.is(200);
    let run = runs.json["items"][0]["id"].as_str().unwrap().to_owned();
    let over = cancel(&api, &run).await.is(200);
    assert_eq!(over.json["status"], "cancelled");
    assert_eq!(
        api.get(&format!("/cmms/runs/{run}")).await.is(200).json,
        over.json
    );
    let actions: Vec<_> = api.audit().await.into_iter().map(|e| e.action).collect();
    assert_eq!(actions.last().map(String::as_str), Some("sync.cancel"));
}
