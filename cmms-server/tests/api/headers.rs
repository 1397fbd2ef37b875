//! Headers of answers.

use crate::fixture::{Fixture, request};
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue};
use serde_json::json;

#[tokio::test]
async fn location_leads_to_the_new_entity() {
    let api = Fixture::new().await;
    let connection = json!({
        "cmms_type": "upkeep", "api_url": "https://api.upkeep.com", "api_key": "k", "connection_name": "c",
    });
    let asset = json!({ "asset_id": "Halle 2/Pümp#1?", "name": "Pump", "asset_type": "equipment" });
    let spaced = asset.clone();
    api.post("/assets", spaced)
        .await
        .problem(422, "CMMS-INPUT-003");
    let asset =
        json!({ "asset_id": "Halle-2/Pümp#1?%", "name": "Pump", "asset_type": "equipment" });
    for (path, body) in [
        ("/cmms/connections", connection),
        ("/work-orders", json!({ "title": "Check pump" })),
        ("/assets", asset),
    ] {
        let made = api.post(path, body).await.is(201);
        let place = made.header("location").to_owned();
        assert!(place.starts_with(&format!("{path}/")), "{place}");
        assert_eq!(api.get(&place).await.is(200).json, made.json);
    }
    let listed = api.get("/assets").await.is(200);
    assert_eq!(listed.json["items"][0]["asset_id"], "Halle-2/Pümp#1?%");
    assert_eq!(listed.header("location"), "");
}

#[tokio::test]
async fn an_asset_is_placed_by_its_own_name_and_an_order_by_its_id() {
    let api = Fixture::new().await;
    let made = api
        .post("/work-orders", json!({ "title": "t" }))
        .await
        .is(201);
    assert_eq!(
        made.header("location"),
        format!("/work-orders/{}", made.id())
    );
    let made = api
        .post(
            "/assets",
            json!({ "asset_id": "a1", "name": "n", "asset_type": "tool" }),
        )
        .await
        .is(201);
    assert_eq!(made.header("location"), "/assets/a1");
}

#[tokio::test]
async fn a_good_request_id_is_kept_in_answer_problem_and_audit() {
    let api = Fixture::new().await;
    let with = |method: &str, path: &str, body: &str, id: &'static str| {
        let mut request = request(method, path, Body::from(body.to_owned()));
        request
            .headers_mut()
            .insert("content-type", HeaderValue::from_static("application/json"));
        request
            .headers_mut()
            .insert("x-request-id", HeaderValue::from_static(id));
        request
    };
    let made = api
        .send(with(
            "POST",
            "/work-orders",
            r#"{"title":"t"}"#,
            "trace-42/a",
        ))
        .await
        .is(201);
    assert_eq!(made.header("x-request-id"), "trace-42/a");
    let entry = api.audit().await.pop().unwrap();
    assert_eq!(
        (entry.request_id.as_str(), entry.action.as_str()),
        ("trace-42/a", "work_order.create")
    );
    let refused = api
        .send(with("POST", "/work-orders", "{}", "trace-43"))
        .await;
    assert_eq!(
        refused.problem(422, "CMMS-INPUT-004").json["request_id"],
        "trace-43"
    );
}

#[tokio::test]
async fn a_bad_request_id_is_replaced() {
    let api = Fixture::new().await;
    let long = "x".repeat(129);
    for bad in ["", "with space", "tab\there", long.as_str(), "caf\u{e9}"] {
        let mut request = request("GET", "/assets", Body::empty());
        let value = HeaderValue::from_bytes(bad.as_bytes()).unwrap();
        request.headers_mut().insert("x-request-id", value);
        let reply = api.send(request).await.is(200);
        let id = reply.header("x-request-id");
        assert_ne!(id, bad);
        assert_eq!(id.len(), 36, "{id}");
    }
    let mut request = request("GET", "/assets", Body::empty());
    let longest = "x".repeat(128);
    request
        .headers_mut()
        .insert("x-request-id", longest.parse().unwrap());
    assert_eq!(api.send(request).await.header("x-request-id"), longest);
}

#[tokio::test]
async fn every_answer_has_the_security_headers_and_none_names_the_server() {
    let api = Fixture::new().await;
    let mut foreign = request("GET", "/assets", Body::empty());
    foreign
        .headers_mut()
        .insert("origin", HeaderValue::from_static("https://evil.example"));
    let replies = [
        api.get("/health").await.is(200),
        api.get("/assets").await.is(200),
        api.get("/nothing/here").await.is(404),
        api.send(request("PUT", "/assets", Body::empty()))
            .await
            .is(405),
        api.post("/work-orders", json!({})).await.is(422),
        api.send(foreign).await.is(403),
    ];
    for reply in replies {
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
        assert!(
            reply
                .header("content-security-policy")
                .starts_with("default-src 'none'")
        );
        assert_eq!(reply.header("cross-origin-resource-policy"), "same-origin");
        assert!(!reply.header("x-request-id").is_empty());
        for absent in ["server", "access-control-allow-origin", "x-powered-by"] {
            assert!(
                !reply.headers.contains_key(HeaderName::from_static(absent)),
                "{absent}"
            );
        }
    }
}

#[tokio::test]
async fn if_match_is_the_version() {
    let api = Fixture::new().await;
    let made = api
        .post("/work-orders", json!({ "title": "t" }))
        .await
        .is(201);
    assert_eq!(made.header("etag"), "\"1\"");
    let path = format!("/work-orders/{}", made.id());
    let patch = |tag: &'static str, title: &str| {
        let mut request = request(
            "PATCH",
            &path,
            Body::from(json!({ "title": title }).to_string()),
        );
        request.headers_mut().insert(
            "content-type",
            HeaderValue::from_static("application/merge-patch+json"),
        );
        request
            .headers_mut()
            .insert("if-match", HeaderValue::from_static(tag));
        request
    };
    let changed = api.send(patch("\"1\"", "a")).await.is(200);
    assert_eq!(changed.header("etag"), "\"2\"");
    api.send(patch("\"1\"", "b"))
        .await
        .problem(412, "CMMS-STORE-001");
    api.send(patch("W/\"x\"", "b"))
        .await
        .problem(412, "CMMS-STORE-001");
    api.send(patch("*", "c")).await.is(200);
    assert_eq!(api.get(&path).await.json["title"], "c");
}

#[tokio::test]
async fn what_is_deleted_is_the_version_that_was_seen() {
    let api = Fixture::new().await;
    let connection = json!({
        "cmms_type": "upkeep", "api_url": "https://api.upkeep.com", "api_key": "k", "connection_name": "c",
    });
    let made = api.post("/cmms/connections", connection).await.is(201);
    let mapping = json!({
        "cmms_connection_id": made.id(), "entity": "work_order", "source_field": "shift",
        "target_field": "custom_fields.shift",
    });
    let connection = format!("/cmms/connections/{}", made.id());
    let made = api.post("/cmms/mappings", mapping).await.is(201);
    let mapping = format!("/cmms/mappings/{}", made.id());
    let delete = |path: &str, tag: &'static str| {
        let mut request = request("DELETE", path, Body::empty());
        let tag = HeaderValue::from_static(tag);
        request.headers_mut().insert("if-match", tag);
        request
    };
    for path in [&mapping, &connection] {
        for stale in ["\"2\"", "W/\"1\"", "x", ""] {
            let refused = api.send(delete(path, stale)).await;
            refused.problem(412, "CMMS-STORE-001");
        }
        let asked = format!("{path}?version=2");
        let refused = api.text("DELETE", &asked, "").await;
        refused.problem(412, "CMMS-STORE-001");
        let both = api.send(delete(&asked, "\"1\"")).await;
        both.problem(412, "CMMS-STORE-001");
    }
    let asked = format!("{mapping}?version=1");
    api.send(delete(&asked, "\"1\"")).await.is(200);
    api.send(delete(&connection, "*")).await.is(200);
}

#[tokio::test]
async fn the_same_times_again_change_nothing() {
    let api = Fixture::new().await;
    for year in ["0001", "1600", "1969", "2026", "9999"] {
        let times = json!({
            "title": "t", "due_at": format!("{year}-06-01T00:00:00.123456789Z"),
            "scheduled_start": format!("{year}-06-01T00:00:00.0000009+01:00"),
        });
        let made = api.post("/work-orders", times.clone()).await.is(201);
        assert_eq!(
            made.json["due_at"],
            format!("{year}-06-01T00:00:00.123456Z")
        );
        let path = format!("/work-orders/{}", made.id());
        let again = api.json("PATCH", &path, times).await.is(200);
        assert_eq!(again.json, made.json);
        assert_eq!(api.get(&path).await.is(200).json, made.json);
    }
}
