//! The table of bad inputs: each has its own code, names its field, says what to do, and changes nothing.

use crate::fixture::{Fixture, Reply, request};
use axum::body::Body;
use serde_json::json;

struct Row {
    name: &'static str,
    method: &'static str,
    path: String,
    body: String,
    status: u16,
    code: &'static str,
    field: &'static str,
    /// Words of the detail.
    says: &'static str,
}

fn row(
    name: &'static str,
    (method, path, body): (&'static str, &str, &str),
    (status, code, field): (u16, &'static str, &'static str),
    says: &'static str,
) -> Row {
    Row {
        name,
        method,
        path: path.to_owned(),
        body: body.to_owned(),
        status,
        code,
        field,
        says,
    }
}

async fn send(api: &Fixture, row: &Row) -> Reply {
    if row.body.is_empty() {
        return api
            .send(request(row.method, &row.path, Body::empty()))
            .await;
    }
    api.text(row.method, &row.path, row.body.clone()).await
}

async fn seeded() -> (Fixture, String) {
    let api = Fixture::new().await;
    let asset = json!({ "asset_id": "asset_001", "name": "Pump", "asset_type": "equipment" });
    api.post("/assets", asset).await.is(201);
    let order = api.order("Check pump").await;
    api.json(
        "PATCH",
        &format!("/work-orders/{order}"),
        json!({ "priority": "high" }),
    )
    .await
    .is(200);
    (api, order)
}

#[tokio::test]
async fn bad_inputs_are_refused_exactly_and_change_nothing() {
    let (api, order) = seeded().await;
    let order = format!("/work-orders/{order}");
    let status = format!("{order}/status");
    let nobody = "018f0000-0000-7000-8000-000000000000";
    let no_connection = json!({ "cmms_connection_id": nobody }).to_string();
    let post = |body| ("POST", "/work-orders", body);
    let rows = [
        row(
            "unknown field",
            post(r#"{"title":"a","prioritty":"high"}"#),
            (422, "CMMS-INPUT-002", "prioritty"),
            "did you mean priority?",
        ),
        row(
            "status by PATCH, which has its own route",
            ("PATCH", &order, r#"{"status":"completed"}"#),
            (422, "CMMS-INPUT-002", "status"),
            "known are: ",
        ),
        row(
            "unknown query parameter",
            ("GET", "/work-orders?statos=scheduled", ""),
            (422, "CMMS-INPUT-002", "statos"),
            "did you mean status?",
        ),
        row(
            "wrong enum",
            post(r#"{"title":"a","priority":"urgent"}"#),
            (422, "CMMS-INPUT-006", "priority"),
            "critical, high, medium, low",
        ),
        row(
            "wrong enum in the query",
            ("GET", "/work-orders?status=done", ""),
            (422, "CMMS-INPUT-006", "status"),
            "scheduled",
        ),
        row(
            "negative hours",
            post(r#"{"title":"a","estimated_hours":-2}"#),
            (422, "CMMS-INPUT-010", "estimated_hours"),
            "from 0",
        ),
        row(
            "malformed date",
            post(r#"{"title":"a","scheduled_start":"15.01.2024"}"#),
            (422, "CMMS-INPUT-007", "scheduled_start"),
            "2024-01-15T09:00:00Z",
        ),
        row(
            "date that is none",
            post(r#"{"title":"a","due_at":"2024-02-30T09:00:00Z"}"#),
            (422, "CMMS-INPUT-007", "due_at"),
            "cannot be read",
        ),
        row(
            "U+0000 in the body",
            post(r#"{"title":"a\u0000b"}"#),
            (422, "CMMS-INPUT-008", "title"),
            "U+0000",
        ),
        row(
            "U+0000 in a nested key",
            post(r#"{"title":"a","custom_fields":{"k\u0000":1}}"#),
            (422, "CMMS-INPUT-008", "custom_fields.k\u{fffd}"),
            "U+0000",
        ),
        row(
            "U+0000 in the query",
            ("GET", "/work-orders?asset_id=a%00b", ""),
            (422, "CMMS-INPUT-008", "asset_id"),
            "U+0000",
        ),
        row(
            "U+0000 in the path",
            ("GET", "/assets/a%00b", ""),
            (422, "CMMS-INPUT-008", "asset_id"),
            "U+0000",
        ),
        row(
            "unknown connection",
            ("POST", "/cmms/sync/all", &no_connection),
            (404, "CMMS-CONN-001", "cmms_connection_id"),
            nobody,
        ),
        row(
            "unknown work order",
            ("GET", &format!("/work-orders/{nobody}"), ""),
            (404, "CMMS-WO-001", "work_order_id"),
            nobody,
        ),
        row(
            "unknown asset",
            ("GET", "/assets/asset_999", ""),
            (404, "CMMS-ASSET-001", "asset_id"),
            "asset_999",
        ),
        row(
            "neither an id nor a number",
            ("GET", "/work-orders/17", ""),
            (422, "CMMS-INPUT-003", "work_order_id"),
            "WO-20240115-0001",
        ),
        row(
            "illegal transition",
            ("PUT", &status, r#"{"status":"completed"}"#),
            (409, "CMMS-WO-002", "status"),
            "in_progress",
        ),
        row(
            "duplicate asset",
            (
                "POST",
                "/assets",
                r#"{"asset_id":"asset_001","name":"X","asset_type":"tool"}"#,
            ),
            (409, "CMMS-ASSET-002", "asset_id"),
            "asset_001",
        ),
        row(
            "text for a number",
            post(r#"{"title":"a","estimated_hours":"four"}"#),
            (422, "CMMS-INPUT-005", "estimated_hours"),
            "text",
        ),
        row(
            "number for a text",
            post(r#"{"title":7}"#),
            (422, "CMMS-INPUT-005", "title"),
            "number",
        ),
        row(
            "text for a list",
            post(r#"{"title":"a","tags":"b"}"#),
            (422, "CMMS-INPUT-005", "tags"),
            "text",
        ),
        row(
            "number in a list of texts",
            post(r#"{"title":"a","tags":["b",1]}"#),
            (422, "CMMS-INPUT-005", "tags[1]"),
            "number",
        ),
        row(
            "missing field",
            post(r#"{"priority":"high"}"#),
            (422, "CMMS-INPUT-004", "title"),
            "missing",
        ),
        row(
            "no body",
            ("POST", "/work-orders", ""),
            (422, "CMMS-INPUT-004", "title"),
            "missing",
        ),
        row(
            "broken JSON",
            post(r#"{"title":"a""#),
            (400, "CMMS-INPUT-001", ""),
            "line 1, column 12",
        ),
        row(
            "a list instead of an object",
            post("[]"),
            (400, "CMMS-INPUT-001", ""),
            "object",
        ),
        row(
            "foreign cursor",
            ("GET", "/work-orders?cursor=abcd", ""),
            (400, "CMMS-INPUT-009", "cursor"),
            "cursor",
        ),
        row(
            "limit 0",
            ("GET", "/work-orders?limit=0", ""),
            (422, "CMMS-INPUT-010", "limit"),
            "from 1 to 500",
        ),
        row(
            "limit 501",
            ("GET", "/assets?limit=501", ""),
            (422, "CMMS-INPUT-010", "limit"),
            "from 1 to 500",
        ),
        row(
            "limit that is no number",
            ("GET", "/assets?limit=many", ""),
            (422, "CMMS-INPUT-005", "limit"),
            "whole number",
        ),
        row(
            "parameter given twice",
            ("GET", "/work-orders?priority=low&priority=high", ""),
            (422, "CMMS-INPUT-003", "priority"),
            "once",
        ),
        row(
            "field in path and body",
            ("PATCH", "/assets/asset_001", r#"{"asset_id":"b"}"#),
            (422, "CMMS-INPUT-003", "asset_id"),
            "twice",
        ),
        row(
            "stale version",
            ("PATCH", &order, r#"{"title":"b","version":1}"#),
            (412, "CMMS-STORE-001", "version"),
            "version 2",
        ),
        row(
            "stale version of a status",
            ("PUT", &status, r#"{"status":"in_progress","version":1}"#),
            (412, "CMMS-STORE-001", "version"),
            "version 2",
        ),
        row(
            "null for what may not be empty",
            ("PATCH", &order, r#"{"title":null}"#),
            (422, "CMMS-INPUT-003", "title"),
            "null",
        ),
        row(
            "end before the start",
            post(
                r#"{"title":"a","scheduled_start":"2024-01-15T09:00:00Z","scheduled_end":"2024-01-15T08:00:00Z"}"#,
            ),
            (422, "CMMS-INPUT-003", "scheduled_end"),
            "before",
        ),
        row(
            "unknown vendor",
            (
                "POST",
                "/cmms/connections",
                r#"{"cmms_type":"upkep","api_url":"https://api.upkeep.com","connection_name":"c","api_key":"k"}"#,
            ),
            (422, "CMMS-CONN-002", "cmms_type"),
            "upkeep",
        ),
        row(
            "address that may not be called",
            (
                "POST",
                "/cmms/connections",
                r#"{"cmms_type":"upkeep","api_url":"https://127.0.0.1","connection_name":"c","api_key":"k"}"#,
            ),
            (422, "CMMS-EGRESS-001", "api_url"),
            "",
        ),
        row(
            "path that is no UTF-8",
            ("GET", "/assets/%ff", ""),
            (400, "CMMS-INPUT-001", "asset_id"),
            "UTF-8",
        ),
        row(
            "query that is no UTF-8",
            ("GET", "/assets?department=%ff", ""),
            (400, "CMMS-INPUT-001", "department"),
            "UTF-8",
        ),
        row(
            "field given twice in one object",
            post(r#"{"title":"a","title":"b"}"#),
            (400, "CMMS-INPUT-001", ""),
            "twice",
        ),
        row(
            "field given twice below",
            post(r#"{"title":"a","custom_fields":{"k":1,"k":2}}"#),
            (400, "CMMS-INPUT-001", ""),
            "twice",
        ),
        row(
            "number that cannot be kept",
            post(r#"{"title":"a","estimated_hours":1e400}"#),
            (400, "CMMS-INPUT-001", ""),
            "column",
        ),
    ];
    let before = api.dump().await;
    let mut wrong = Vec::new();
    for row in &rows {
        let reply = send(&api, row).await;
        let found = (
            reply.status,
            reply.json["code"].as_str(),
            reply.json["field"].as_str().unwrap_or_default(),
        );
        let detail = reply.json["detail"].as_str().unwrap_or_default().to_owned()
            + reply.json["violations"][0]["detail"]
                .as_str()
                .unwrap_or_default();
        if found != (row.status, Some(row.code), row.field) || !detail.contains(row.says) {
            wrong.push(format!("{}: {}", row.name, reply.text));
            continue;
        }
        reply.problem(row.status, row.code);
        if api.dump().await != before {
            wrong.push(format!("{}: changed rows", row.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_violation_is_listed() {
    let (api, _) = seeded().await;
    let body = json!({ "title": " ", "estimated_hours": -1, "estimated_cost": "-3.00" });
    let reply = api.post("/work-orders", body).await.is(422);
    let fields: Vec<_> = reply.json["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["title", "estimated_hours", "estimated_cost"]);
    assert_eq!(reply.json["field"], "title");
}

#[tokio::test]
async fn deep_json_is_refused_and_does_not_end_the_server() {
    let (api, _) = seeded().await;
    let deep = format!(
        r#"{{"title":"a","custom_fields":{{"k":{}{}}}}}"#,
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    api.text("POST", "/work-orders", deep)
        .await
        .problem(400, "CMMS-INPUT-001");
}
