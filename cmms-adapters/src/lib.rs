//! Vendors' systems, and the one way out to them.
//!
//! - [`egress`]: which addresses may be called, and the one client that calls them.
//! - [`http`]: requests, retries, limits and the meaning of outcomes; a host program's own adapter uses it
//!   like ours do.
//! - [`upkeep`] speaks the protocol of UpKeep.
//!
//! ```
//! use cmms_adapters::{EgressClient, EgressPolicy, adapters};
//! use std::sync::Arc;
//!
//! let client = Arc::new(EgressClient::new(EgressPolicy::new(&[])?)?);
//! let known: Vec<_> = adapters(&client).iter().map(|a| a.info().cmms_type).collect();
//! assert_eq!(known, ["upkeep"]);
//! # Ok::<(), cmms_core::Error>(())
//! ```

pub mod egress;
pub mod http;
pub mod upkeep;

pub use egress::{EgressClient, EgressPolicy, EgressProxy};
pub use upkeep::UpkeepAdapter;

use cmms_core::ports::adapter::Adapter;
use std::sync::Arc;

/// Every adapter of this crate, calling through this client.
pub fn adapters(client: &Arc<EgressClient>) -> Vec<Arc<dyn Adapter>> {
    vec![Arc::new(UpkeepAdapter::new(Arc::clone(client)))]
}
