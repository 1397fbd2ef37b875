//! HTTP as adapters use it: requests, retries, limits and the meaning of outcomes.
//!
//! An adapter builds a [`Request`], sends it through its [`HttpLayer`] and reads an [`Answer`]. Errors
//! carry a `CMMS-VENDOR-…` code and never a body, a query or a secret.
//!
//! ```
//! use cmms_adapters::http::{HttpLayer, Request};
//! use cmms_adapters::{EgressClient, EgressPolicy};
//! # use cmms_core::{ports::adapter::AdapterCx, ports::secrets::Credentials, testing::SteppedClock};
//! # use std::sync::Arc;
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! # let sim = cmms_sim::paged::PagedSim::start(Default::default(), 0).await?;
//! # let address = sim.base_url();
//! # let mut credentials = Credentials::new();
//! # credentials.set("api_key", "test-token".into());
//! # let cx = AdapterCx {
//! #     connection: "0190a0a0-0000-7000-8000-000000000001".parse()?, api_url: address.as_str().into(),
//! #     options: Default::default(), credentials: Arc::new(credentials), credentials_version: 1,
//! #     clock: Arc::new(SteppedClock::default()), vendor_clock: Default::default(), cancel: Default::default(),
//! # };
//! // Once: which addresses may be called beside the vendor's own hosts, and the layer over them.
//! let client = EgressClient::new(EgressPolicy::new(&[address])?)?;
//! let http = HttpLayer::new(Arc::new(client), &["*.example.com"]);
//!
//! // In each call of the adapter, which is given `cx`: the connection's address, credentials, clock and options.
//! let base = http.check_url(&cx.api_url)?;
//! let request = Request::get(&base, "api/v1/assets")
//!     .query("pageSize", "100")
//!     .bearer(cx.credentials.get("api_key").unwrap_or_default())?;
//! let page: serde_json::Value = http.send_json(&cx, &request).await?;
//! assert_eq!(page["data"].as_array().map(Vec::len), Some(100));
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`HttpLayer::send`] gives the [`Answer`] itself, for statuses that mean something and for bodies that are read
//! without copying. Waits, retries, `Retry-After`, the connection's request rate and the end of a call that was
//! given up are the layer's; an adapter has no timer of its own. [`record`] reads a record's id and time, and
//! [`NumberedPages`] is the place in a listing of numbered pages.

mod answer;
mod depth;
mod layer;
mod limiter;
mod numbered;
mod outcome;
mod record;
mod request;
mod retry;
mod unreadable;

pub use answer::Answer;
pub(crate) use answer::misunderstood;
pub use layer::HttpLayer;
pub(crate) use layer::pause;
pub use numbered::NumberedPages;
pub use record::record;
pub use request::Request;
