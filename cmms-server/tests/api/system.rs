//! What is asked about the server itself.

use crate::fixture::Fixture;
use cmms::core::ops::OPERATIONS;
use serde_json::json;

#[tokio::test]
async fn health_is_as_documented() {
    let api = Fixture::new().await;
    let reply = api.get("/health").await.is(200);
    let fields: Vec<_> = reply.json.as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, ["service", "status", "timestamp", "version"]);
    assert_eq!(reply.json["status"], "healthy");
    assert_eq!(reply.json["service"], "CMMS Integration API");
    assert_eq!(reply.json["version"], env!("CARGO_PKG_VERSION"));
    let at = reply.json["timestamp"].as_str().unwrap();
    assert!(
        at.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(at).is_ok(),
        "{at}"
    );
}

#[tokio::test]
async fn probes_are_bare() {
    let api = Fixture::new().await;
    assert_eq!(
        api.get("/livez").await.is(200).json,
        json!({ "status": "ok" })
    );
    assert_eq!(
        api.get("/readyz").await.is(200).json,
        json!({ "status": "ok" })
    );
}

#[tokio::test]
async fn openapi_describes_every_operation() {
    let api = Fixture::new().await;
    let reply = api.get("/openapi.json").await.is(200);
    assert_eq!(reply.json["openapi"], "3.1.0");
    for op in OPERATIONS {
        let described = &reply.json["paths"][op.meta.path][op.meta.verb.as_str().to_lowercase()];
        assert_eq!(described["operationId"], op.meta.name);
    }
}
