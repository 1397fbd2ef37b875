//! A simulated UpKeep API v2, faithful to the fact sheet of that vendor.
//!
//! Where the vendor is silent the simulator does what the sheet's "Sim:"
//! lines say; that is our choice and never a vendor fact.

mod answer;
mod auth;
mod call;
mod config;
mod edit;
mod expand;
mod filter;
mod query;
mod routes;
mod seed;
mod server;
mod state;
mod table;
mod vendor;
mod write;

pub use config::{EndOfList, FilterSupport, UpkeepConfig};
pub use edit::Edited;
pub use server::UpkeepSim;
pub use vendor::{LoggedRequest, Oracle, SimEntity, UpkeepVendor};
