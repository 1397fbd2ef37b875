//! Calls that break, and calls whose callers leave.

use crate::fixture::{Fixture, request};
use async_trait::async_trait;
use axum::body::Body;
use cmms::core::domain::connection::ConnectionOptions;
use cmms::core::domain::entity::Entity;
use cmms::core::mapping::{EntityMapping, FieldRule, Transform};
use cmms::core::ports::adapter::{
    Adapter, AdapterCx, AdapterInfo, Capabilities, Checked, EntityCapabilities, Pages, PullPage,
    PullReq,
};
use cmms::core::ports::secrets::Credentials;
use cmms::core::{Error, Result, code};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tower::ServiceExt;

/// A vendor that never answers a pull and does not survive a test.
#[derive(Debug)]
struct Odd {
    capabilities: Capabilities,
    mapping: EntityMapping,
    pulling: Arc<Notify>,
    left: Arc<Notify>,
}

impl Odd {
    fn new() -> Self {
        let can = EntityCapabilities {
            pull: true,
            since: false,
            pages: Pages::Serial,
            page_max: 10,
            page_default: 10,
        };
        Self {
            capabilities: Capabilities {
                entities: vec![(Entity::WorkOrder, can), (Entity::Asset, can)],
            },
            mapping: EntityMapping {
                entity: Entity::WorkOrder,
                revision: "odd-1",
                number: None,
                rules: vec![FieldRule::new(&["title"], "title", Transform::Text).required()],
            },
            pulling: Arc::default(),
            left: Arc::default(),
        }
    }
}

#[async_trait]
impl Adapter for Odd {
    fn info(&self) -> AdapterInfo {
        AdapterInfo {
            cmms_type: "odd",
            title: "Odd",
            credentials: &[&["api_key"]],
            api_key_variable: None,
        }
    }
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }
    fn default_mapping(&self, _: Entity) -> Option<&EntityMapping> {
        Some(&self.mapping)
    }
    fn accept(&self, api_url: &str, _: &Credentials, _: &ConnectionOptions) -> Result<String> {
        Ok(api_url.to_owned())
    }
    async fn check(&self, _: &AdapterCx) -> Result<Checked> {
        panic!("the secret of this panic stays inside")
    }
    async fn pull(&self, cx: &AdapterCx, _: &PullReq) -> Result<PullPage> {
        self.pulling.notify_one();
        cx.cancel.cancelled().await;
        self.left.notify_one();
        Err(Error::new(code::OP_CANCELLED, "the caller gave up"))
    }
}

async fn odd() -> (Fixture, Arc<Odd>, String) {
    let odd = Arc::new(Odd::new());
    let api = Fixture::with(&[], vec![Arc::clone(&odd) as _]).await;
    let body = json!({ "cmms_type": "odd", "api_url": "https://x", "api_key": "k", "connection_name": "c" });
    let id = api.post("/cmms/connections", body).await.is(201).id();
    (api, odd, id)
}

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
    tokio::time::timeout(Duration::from_secs(10), odd.left.notified())
        .await
        .unwrap();
    let mut status = json!(null);
    for _ in 0..200 {
        let run = api.get("/cmms/runs").await.is(200);
        status = run.json["items"][0]["status"].clone();
        if status != "running" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(status, "cancelled");
    // The lease is free, so the connection can be removed.
    let path = format!("/cmms/connections/{id}");
    api.send(request("DELETE", &path, Body::empty()))
        .await
        .is(200);
}
