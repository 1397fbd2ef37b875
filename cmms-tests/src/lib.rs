//! Suites that cross the crates: what they share.
//!
//! A [`Plant`] is a simulated vendor with an application beside it that is connected to it.

pub mod crash;
pub mod desk;
pub mod listed;
pub mod oracle;
pub mod picky;
mod plant;
pub mod postgres;

pub use plant::{KEY, Plant, Where, client, config, open, release_tier, reopened};
