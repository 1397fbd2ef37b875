//! A vendor that fails in ways that no simulator shows.

use crate::fixture::Fixture;
use async_trait::async_trait;
use cmms::Builder;
use cmms::core::domain::connection::ConnectionOptions;
use cmms::core::domain::entity::Entity;
use cmms::core::error::Retry;
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

/// A vendor that never answers a pull and does not survive a test.
#[derive(Debug)]
pub(crate) struct Odd {
    capabilities: Capabilities,
    mapping: EntityMapping,
    /// A pull has begun.
    pub(crate) pulling: Arc<Notify>,
}

impl Odd {
    fn new() -> Self {
        let can = EntityCapabilities::pull(Pages::Serial, 10);
        Self {
            capabilities: Capabilities {
                entities: vec![(Entity::WorkOrder, can), (Entity::Asset, can)],
            },
            mapping: EntityMapping {
                entity: Entity::WorkOrder,
                revision: "odd-1",
                number: None,
                archived: None,
                rules: vec![FieldRule::new(&["title"], "title", Transform::Text).required()],
            },
            pulling: Arc::default(),
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
    async fn check(&self, cx: &AdapterCx) -> Result<Checked> {
        if &*cx.api_url == "https://limited" {
            let limit = Error::new(code::VENDOR_LIMIT, "the vendor asks to wait");
            return Err(limit.retry(Retry::After(Duration::from_secs(7))));
        }
        panic!("the secret of this panic stays inside")
    }
    async fn pull(&self, cx: &AdapterCx, _: &PullReq) -> Result<PullPage> {
        self.pulling.notify_one();
        cx.cancel.cancelled().await;
        Err(Error::new(code::OP_CANCELLED, "the caller gave up"))
    }
}

/// A client that knows the vendor, and the id of a connection to it.
pub(crate) async fn odd() -> (Fixture, Arc<Odd>, String) {
    odd_with(|builder| builder).await
}

/// The same with other parts.
pub(crate) async fn odd_with(
    parts: impl FnOnce(Builder) -> Builder,
) -> (Fixture, Arc<Odd>, String) {
    let odd = Arc::new(Odd::new());
    let api = Fixture::built(&[], |builder| parts(builder.adapter(Arc::clone(&odd) as _))).await;
    let body = json!({ "cmms_type": "odd", "api_url": "https://odd", "api_key": "k", "connection_name": "c" });
    let id = api.post("/cmms/connections", body).await.is(201).id();
    (api, odd, id)
}
