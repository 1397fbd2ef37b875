//! What is asked about the server itself.

use crate::fixture::{Fixture, request};
use async_trait::async_trait;
use axum::body::Body;
use chrono::{DateTime, Utc};
use cmms::core::context::Scope;
use cmms::core::ids::OrgId;
use cmms::core::ops::OPERATIONS;
use cmms::core::ports::store::{Migrated, Organization, Store, StoreHealth, StoreInfo, Tx, TxMode};
use cmms::core::{Error, Result, code};
use cmms::{Client, Config};
use cmms_server::rest::{Access, router};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::Arc;
use tower::ServiceExt;

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

/// A database that does not answer.
#[derive(Debug)]
struct Silent(Arc<dyn Store>);

#[async_trait]
impl Store for Silent {
    fn info(&self) -> StoreInfo {
        self.0.info()
    }
    async fn begin(&self, scope: &Scope, mode: TxMode) -> Result<Box<dyn Tx>> {
        self.0.begin(scope, mode).await
    }
    async fn organization(&self, name: &str, new: OrgId, now: DateTime<Utc>) -> Result<OrgId> {
        self.0.organization(name, new, now).await
    }
    async fn organizations(&self) -> Result<Vec<Organization>> {
        self.0.organizations().await
    }
    async fn migrate(&self) -> Result<Migrated> {
        self.0.migrate().await
    }
    async fn health(&self) -> Result<StoreHealth> {
        Err(Error::new(
            code::STORE_DAMAGED,
            "the file /srv/secret.db is damaged",
        ))
    }
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_unhealthy() {
    let api = Fixture::new().await;
    let store = Silent(Arc::clone(&api.client.app().store));
    let client = Client::builder(Arc::new(store))
        .config(Config::default())
        .build()
        .await
        .unwrap();
    let routes = router(client, Access::NoAuth);
    for (path, status, word) in [
        ("/health", 503, "unhealthy"),
        ("/readyz", 503, "unavailable"),
        ("/livez", 200, "ok"),
    ] {
        let response = routes
            .clone()
            .oneshot(request("GET", path, Body::empty()))
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{path}");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let json: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(json["status"], word);
        assert!(!json.to_string().contains("secret.db"));
    }
}
