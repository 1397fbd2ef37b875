//! Use cases: each opens its transaction, keeps the rules, writes the audit entry and commits.

mod active;
mod app;
pub mod assets;
pub mod audit;
pub mod audit_log;
mod background;
pub mod connections;
pub mod copy;
pub mod counting;
pub(crate) mod idempotency;
mod links;
pub mod mappings;
mod numbers;
mod pace;
mod paging;
mod parents;
mod patching;
mod pending;
mod provenance;
pub mod quarantine;
pub mod registry;
pub mod runs;
mod sightings;
mod snapshot;
pub mod sync;
pub mod uow;
pub mod work_orders;
pub mod worker;

pub use app::{App, Parts};
