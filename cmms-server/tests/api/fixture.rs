//! A router over a database of its own, and requests to it.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use cmms::core::domain::asset::Asset;
use cmms::core::domain::audit::AuditEntry;
use cmms::core::domain::connection::Connection;
use cmms::core::domain::secret::SealedSecret;
use cmms::core::domain::sync_run::SyncRun;
use cmms::core::domain::sync_state::QuarantineItem;
use cmms::core::domain::work_order::WorkOrder;
use cmms::core::ports::adapter::Adapter;
use cmms::core::ports::repository::TxExt;
use cmms::core::ports::store::{Query, TxMode};
use cmms::store::{SqliteOptions, SqliteStore};
use cmms::{Builder, Client, Config};
use cmms_server::rest::{Access, router_on_port};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;
use tower::ServiceExt;

/// The port that requests name; nobody listens on it.
pub(crate) const PORT: u16 = 8003;
/// The host that requests name.
pub(crate) const HOST: &str = "127.0.0.1:8003";
/// 32 bytes for a master key, which is nobody's.
const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// A client over a new database file, with its routes.
pub(crate) struct Fixture {
    pub(crate) client: Client,
    pub(crate) router: Router,
    _folder: TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(&[], Vec::new()).await
    }

    /// With more settings and vendors.
    pub(crate) async fn with(pairs: &[(&str, &str)], adapters: Vec<Arc<dyn Adapter>>) -> Self {
        Self::built(pairs, |builder| {
            adapters.into_iter().fold(builder, Builder::adapter)
        })
        .await
    }

    /// With more settings and parts.
    pub(crate) async fn built(
        pairs: &[(&str, &str)],
        parts: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = [("CMMS_MASTER_KEY", KEY)];
        let config = Config::from_pairs(key.iter().chain(pairs).copied()).unwrap();
        let store = SqliteStore::open(&folder.path().join("cmms.db"), SqliteOptions::default());
        let builder = Client::builder(Arc::new(store.unwrap())).config(config);
        let client = parts(builder).build().await.unwrap();
        let router = router_on_port(client.clone(), Access::NoAuth, PORT);
        Self {
            client,
            router,
            _folder: folder,
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text,
            json,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(request("GET", path, Body::empty())).await
    }

    /// Sends a body as it stands.
    pub(crate) async fn text(&self, method: &str, path: &str, body: impl Into<Body>) -> Reply {
        let mut request = request(method, path, body.into());
        request
            .headers_mut()
            .insert("content-type", "application/json".parse().unwrap());
        self.send(request).await
    }

    pub(crate) async fn json(&self, method: &str, path: &str, body: Value) -> Reply {
        self.text(method, path, body.to_string()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.json("POST", path, body).await
    }

    /// Posts with an idempotency key.
    pub(crate) async fn keyed(&self, key: &str, path: &str, body: Value) -> Reply {
        let mut request = request("POST", path, Body::from(body.to_string()));
        let headers = request.headers_mut();
        headers.insert("content-type", "application/json".parse().unwrap());
        headers.insert("idempotency-key", key.parse().unwrap());
        self.send(request).await
    }

    /// Makes a work order and answers its id.
    pub(crate) async fn order(&self, title: &str) -> String {
        let made = self.post("/work-orders", json!({ "title": title })).await;
        made.is(201).id()
    }

    /// Every row of the business and of the audit, as text.
    pub(crate) async fn dump(&self) -> String {
        let app = self.client.app();
        let mut tx = app
            .store
            .begin(self.client.scope(), TxMode::Snapshot)
            .await
            .unwrap();
        let all = Query::default();
        format!(
            "{:#?}{:#?}{:#?}{:#?}{:#?}{:#?}{:#?}",
            tx.of::<WorkOrder>().list(&all).await.unwrap(),
            tx.of::<Asset>().list(&all).await.unwrap(),
            tx.of::<Connection>().list(&all).await.unwrap(),
            tx.of::<SealedSecret>().list(&all).await.unwrap(),
            tx.of::<SyncRun>().list(&all).await.unwrap(),
            tx.of::<QuarantineItem>().list(&all).await.unwrap(),
            tx.of::<AuditEntry>().list(&all).await.unwrap(),
        )
    }

    /// The audit, oldest first.
    pub(crate) async fn audit(&self) -> Vec<AuditEntry> {
        let app = self.client.app();
        let mut tx = app
            .store
            .begin(self.client.scope(), TxMode::Snapshot)
            .await
            .unwrap();
        tx.of::<AuditEntry>().list(&Query::default()).await.unwrap()
    }
}

/// A request with nothing but its host.
pub(crate) fn request(method: &str, path: &str, body: Body) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", HOST)
        .body(body)
        .unwrap()
}

impl Reply {
    /// Ends the test unless the status is this.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The id of the entity in it.
    pub(crate) fn id(&self) -> String {
        self.json["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }

    /// Ends the test unless it is a complete problem document of this status and code.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Self {
        let reply = self.is(status);
        let json = &reply.json;
        assert_eq!(json["code"], code, "{}", reply.text);
        assert_eq!(reply.header("content-type"), "application/problem+json");
        assert_eq!(json["status"], status);
        assert_eq!(json["type"], format!("urn:cmms:error:{code}"));
        let page = format!("</errors/{code}>; rel=\"help\"");
        assert_eq!(reply.header("link"), page);
        assert_eq!(json["request_id"], reply.header("x-request-id"));
        for field in ["title", "detail", "reason", "remedy"] {
            assert!(
                json[field].as_str().is_some_and(|text| !text.is_empty()),
                "{field}: {}",
                reply.text
            );
        }
        assert!(StatusCode::from_u16(status).is_ok());
        reply
    }
}
