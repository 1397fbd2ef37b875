//! Simulated maintenance vendors for `cmms`: real HTTP servers on loopback
//! whose true state can be asked for (the oracle).
//!
//! A simulator is written from the vendor's fact sheet only, never from the
//! adapter that talks to it, and it refuses what the sheet does not know, so
//! that a wrong request is noticed here and not at a customer.
//!
//! ```
//! use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let sim = UpkeepSim::start(UpkeepConfig::default().work_orders(30), 0).await?;
//! assert_eq!(sim.vendor().oracle().work_orders.len(), 30);
//! sim.stop().await;
//! # Ok::<(), cmms_sim::SimError>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
pub mod fault;
mod merge;
pub mod paged;
mod served;
mod times;
pub mod upkeep;
mod wire;

pub use error::SimError;
pub use fault::{Fault, FaultPlan};
pub use served::{ServeOptions, Served, Vendor};
