//! Every request that the user's document prints for what exists, with its body as printed.

use crate::fixture::{Fixture, Reply};
use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim};
use serde_json::{Value, json};

const CONNECTION: &str = r#"{
  "cmms_type": "upkeep",
  "api_url": "https://api.upkeep.com",
  "api_key": "your_api_key",
  "connection_name": "Upkeep Production"
}"#;

const WORK_ORDER: &str = r#"{
  "asset_id": "asset_001",
  "title": "Equipment Maintenance",
  "description": "Monthly preventive maintenance",
  "priority": "high",
  "estimated_hours": 4.0,
  "assigned_to": "technician_001",
  "scheduled_start": "2024-01-15T09:00:00Z",
  "scheduled_end": "2024-01-15T13:00:00Z"
}"#;

const ASSET: &str = r#"{
  "asset_id": "asset_001",
  "name": "Production Machine",
  "asset_type": "equipment",
  "description": "Main production line equipment",
  "manufacturer": "Industrial Corp",
  "model": "PM-2000",
  "serial_number": "SN123456",
  "department": "Manufacturing",
  "responsible_person": "engineer_001",
  "tags": ["critical", "production"],
  "specifications": {
    "power_rating": "100kW",
    "voltage": "480V",
    "frequency": "60Hz"
  }
}"#;

/// Ends the test unless each field that was sent comes back with its value.
#[track_caller]
fn echoes(reply: &Reply, sent: &str) {
    let sent: Value = serde_json::from_str(sent).unwrap();
    for (field, value) in sent.as_object().unwrap() {
        assert_eq!(reply.json[field], *value, "{field}: {}", reply.text);
    }
}

#[tokio::test]
async fn add_cmms_connection_as_printed() {
    let api = Fixture::new().await;
    let made = api
        .text("POST", "/cmms/connections", CONNECTION)
        .await
        .is(201);
    assert_eq!(made.json["connection_id"], made.json["id"]);
    assert_eq!(made.json["cmms_type"], "upkeep");
    assert_eq!(made.json["connection_name"], "Upkeep Production");
    assert!(
        made.json["api_url"]
            .as_str()
            .unwrap()
            .starts_with("https://api.upkeep.com")
    );
    assert_eq!(made.json["enabled"], true);
    assert_eq!(made.json["health"]["state"], "unknown");
    assert_eq!(made.json["credentials"]["api_key"]["set"], true);
    assert_eq!(made.json["version"], 1);
}

#[tokio::test]
async fn work_order_requests_as_printed() {
    let api = Fixture::new().await;
    let made = api.text("POST", "/work-orders", WORK_ORDER).await.is(201);
    echoes(&made, WORK_ORDER);
    assert_eq!(made.json["status"], "scheduled");
    assert_eq!(made.json["work_order_type"], "corrective");
    assert_eq!(made.json["asset_resolved"], false);
    assert!(made.json["number"].as_str().unwrap().starts_with("WO-"));
    api.order("Something else").await;

    let path = "/work-orders?status=scheduled&asset_id=asset_001&assigned_to=technician_001";
    let found = api.get(path).await.is(200);
    assert_eq!(found.json["items"].as_array().unwrap().len(), 1);
    assert_eq!(found.json["items"][0]["id"], made.json["id"]);
    assert_eq!(found.json["next"], Value::Null);

    let path = format!("/work-orders/{}/status", made.id());
    let moved = api
        .text("PUT", &path, "{\n  \"status\": \"in_progress\"\n}")
        .await
        .is(200);
    assert_eq!(moved.json["status"], "in_progress");
    assert_eq!(moved.json["version"], 2);
    assert!(moved.json["actual_start"].is_string());
    assert_eq!(
        api.get(path.trim_end_matches("/status")).await.is(200).json,
        moved.json
    );
}

#[tokio::test]
async fn register_asset_as_printed_links_the_order_that_waits_for_it() {
    let api = Fixture::new().await;
    let order = api.text("POST", "/work-orders", WORK_ORDER).await.is(201);
    let made = api.text("POST", "/assets", ASSET).await.is(201);
    echoes(&made, ASSET);
    assert_eq!(made.json["status"], "operational");
    let order = api
        .get(&format!("/work-orders/{}", order.id()))
        .await
        .is(200);
    assert_eq!(order.json["asset_resolved"], true);
    let got = api.get("/assets/asset_001").await.is(200);
    assert_eq!(got.json, made.json);
    // The document's JavaScript client sends no more than this.
    let short = json!({ "asset_id": "asset_002", "name": "Machine", "asset_type": "equipment", "department": "M" });
    api.post("/assets", short).await.is(201);
}

#[tokio::test]
async fn sync_requests_as_printed_bring_everything_in() {
    let config = UpkeepConfig::default()
        .assets(12)
        .work_orders(40)
        .ready_token("your_api_key");
    let sim = UpkeepSim::start(config, 0).await.unwrap();
    let url = sim.base_url();
    let api = Fixture::with(&[("CMMS_EGRESS_ALLOW", &url)], Vec::new()).await;
    let connection: Value = serde_json::from_str(CONNECTION).unwrap();
    let mut here = connection.clone();
    here["api_url"] = url.into();
    let id = api.post("/cmms/connections", here).await.is(201).id();

    let orders =
        json!({ "cmms_connection_id": id, "sync_type": "work_orders", "force_sync": false });
    let run = api
        .post("/cmms/sync/work-orders", orders.clone())
        .await
        .is(200);
    let total = i64::try_from(sim.vendor().oracle().work_orders.len()).unwrap();
    assert_eq!(run.json["sync_type"], "work_orders");
    assert_eq!(run.json["status"], "ok", "{}", run.text);
    assert_eq!(run.json["synced_count"], total);
    assert_eq!(run.json["created"], total);
    assert_eq!(run.json["errors"], json!([]));
    for field in ["id", "started_at", "finished_at"] {
        assert!(run.json[field].is_string(), "{field}");
    }

    let all = json!({ "cmms_connection_id": id, "sync_type": "all", "force_sync": false });
    let run = api.post("/cmms/sync/all", all.clone()).await.is(200);
    assert_eq!(run.json["assets_synced"], 12);
    assert_eq!(run.json["schedules_synced"], 0);
    assert_eq!(run.json["updated"], 0, "{}", run.text);
    let again = api.post("/cmms/sync/all", all).await.is(200);
    assert_eq!(
        (&again.json["created"], &again.json["updated"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(
        api.get(&format!("/cmms/runs/{}", again.id()))
            .await
            .is(200)
            .json,
        again.json
    );
    let listed = api.get("/work-orders?limit=500").await.is(200);
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 40);

    let request =
        crate::fixture::request("POST", &format!("/cmms/connections/{id}/test"), "".into());
    let tested = api.send(request).await.is(200);
    assert_eq!(tested.json["ok"], true);

    // A vendor that refuses is told by the run, not by the status.
    sim.vendor().expire_sessions();
    let failed = api.post("/cmms/sync/work-orders", orders).await.is(200);
    assert_eq!(failed.json["status"], "failed");
    assert_eq!(failed.json["errors"][0]["code"], "CMMS-VENDOR-002");
    assert!(failed.json["errors"][0]["remedy"].is_string());
    let request =
        crate::fixture::request("POST", &format!("/cmms/connections/{id}/test"), "".into());
    api.send(request).await.problem(502, "CMMS-VENDOR-002");
    sim.stop().await;
}
