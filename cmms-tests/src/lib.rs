//! Suites that cross the crates: what they share.
//!
//! A [`Plant`] is a simulated vendor with an application beside it that is connected to it.

pub mod crash;
pub mod desk;
pub mod listed;
pub mod oracle;
mod plant;
pub mod postgres;
pub mod refusing_store;
pub mod slow_store;

pub use plant::{KEY, Plant, Where, client, config, open, release_tier};
