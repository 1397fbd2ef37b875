//! Paths, methods and sizes.

use crate::fixture::{Fixture, request};
use axum::body::Body;
use axum::http::HeaderValue;
use cmms::core::ops::OPERATIONS;

#[tokio::test]
async fn an_unknown_path_is_answered_with_the_nearest() {
    let api = Fixture::new().await;
    for (path, near) in [
        ("/work-order", "/work-orders"),
        ("/work-orders/", "/work-orders"),
        ("/asset", "/assets"),
        ("/cmms/connection", "/cmms/connections"),
        (
            "/work-orders/17/state",
            "/work-orders/{work_order_id}/status",
        ),
        ("/healthz", "/health"),
    ] {
        let reply = api.get(path).await.problem(404, "CMMS-SERVE-006");
        let remedy = reply.json["remedy"].as_str().unwrap();
        assert!(
            remedy.contains(&format!("Did you mean {near}?")),
            "{path}: {remedy}"
        );
    }
    let far = api
        .get("/nothing/at/all/like/this")
        .await
        .problem(404, "CMMS-SERVE-006");
    assert!(
        !far.json["remedy"]
            .as_str()
            .unwrap()
            .contains("Did you mean")
    );
    api.get("/%ff").await.problem(404, "CMMS-SERVE-006");
    let long = format!("/{}", "a".repeat(8_000));
    api.get(&long).await.problem(404, "CMMS-SERVE-006");
}

#[tokio::test]
async fn an_unknown_method_is_answered_with_those_that_exist() {
    let api = Fixture::new().await;
    for (method, path, allowed) in [
        ("DELETE", "/assets", ["GET", "HEAD", "POST"].as_slice()),
        ("POST", "/health", &["GET", "HEAD"]),
        ("OPTIONS", "/work-orders", &["GET", "HEAD", "POST"]),
        ("POST", "/work-orders/17", &["GET", "HEAD", "PATCH"]),
        ("GET", "/work-orders/17/status", &["PUT"]),
        ("GET", "/cmms/sync/all", &["POST"]),
    ] {
        let reply = api
            .send(request(method, path, Body::empty()))
            .await
            .problem(405, "CMMS-SERVE-007");
        let mut found: Vec<_> = reply.header("allow").split(", ").collect();
        found.sort_unstable();
        assert_eq!(found, allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn too_much_is_refused_with_its_own_status() {
    let api = Fixture::new().await;
    let before = api.dump().await;
    let big = format!(r#"{{"title":"{}"}}"#, "a".repeat(1024 * 1024));
    api.text("POST", "/work-orders", big)
        .await
        .problem(413, "CMMS-SERVE-009");
    api.text("POST", "/work-orders", "x".repeat(20 * 1024 * 1024))
        .await
        .problem(413, "CMMS-SERVE-009");
    let long = format!("/work-orders?asset_id={}", "a".repeat(8 * 1024));
    api.get(&long).await.problem(414, "CMMS-SERVE-010");
    let mut heavy = request("GET", "/work-orders", Body::empty());
    let cookie = HeaderValue::from_str(&"a".repeat(17 * 1024)).unwrap();
    heavy.headers_mut().insert("cookie", cookie);
    api.send(heavy).await.problem(431, "CMMS-SERVE-011");
    let many = format!("/work-orders?{}", "a=1&".repeat(101));
    api.get(&many).await.problem(400, "CMMS-INPUT-001");
    assert_eq!(api.dump().await, before);
    // Just below, it is the field that is too long.
    let fits = format!(r#"{{"title":"{}"}}"#, "a".repeat(1024 * 1024 - 20));
    api.text("POST", "/work-orders", fits)
        .await
        .problem(422, "CMMS-INPUT-003");
}

#[tokio::test]
async fn every_operation_has_a_route() {
    let api = Fixture::new().await;
    for op in OPERATIONS {
        let path = op.meta.path.replace(['{', '}'], "");
        let reply = api
            .send(request(op.meta.verb.as_str(), &path, Body::empty()))
            .await;
        assert_ne!(reply.status, 405, "{}", op.meta.name);
        assert_ne!(reply.json["code"], "CMMS-SERVE-006", "{}", op.meta.name);
    }
}

#[tokio::test]
async fn a_plus_is_a_space_and_a_list_is_a_repeated_name() {
    let api = Fixture::new().await;
    let asset = serde_json::json!({
        "asset_id": "a", "name": "n", "asset_type": "tool", "department": "Plant + Yard"
    });
    api.post("/assets", asset).await.is(201);
    let found = api.get("/assets?department=Plant+%2B+Yard").await.is(200);
    assert_eq!(found.json["items"].as_array().unwrap().len(), 1);
    let made = api
        .send(request(
            "POST",
            "/work-orders?title=By+query&tags=a&tags=b",
            Body::empty(),
        ))
        .await;
    let made = made.is(201);
    assert_eq!(made.json["tags"], serde_json::json!(["a", "b"]));
}

#[tokio::test]
async fn head_answers_like_get_without_a_body() {
    let api = Fixture::new().await;
    let reply = api
        .send(request("HEAD", "/assets", Body::empty()))
        .await
        .is(200);
    assert_eq!(reply.text, "");
    assert_eq!(reply.header("content-type"), "application/json");
}
