//! Outbound connections: which addresses may be called, and the one client that calls them.
//!
//! A vendor ships the patterns of its hosts; an operator may list further origins. Names are resolved by
//! ourselves, every address is checked and only checked ones are connected to. Proxies of the environment
//! are ignored unless the operator's own setting names one, bodies have caps, redirects stay where they are.

mod address;
mod body;
mod cause;
mod client;
mod failure;
mod policy;
mod pool;
mod proxy;
mod resolver;
mod trust;

pub use cause::{BadCertificate, NoConnection};
pub use client::{EgressBuilder, EgressClient, EgressReply, EgressRequest, Redirects};
pub use failure::Failure;
pub use policy::EgressPolicy;
pub use proxy::EgressProxy;
pub use resolver::{Dns, SystemDns};
pub use trust::Trust;
