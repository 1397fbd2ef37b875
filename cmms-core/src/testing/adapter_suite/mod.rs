//! The rules that every adapter keeps, one function each.
//!
//! [`adapter_tests!`](crate::adapter_tests) makes a test of each. A rule needs a [`Rig`]: a vendor that the test
//! can look behind, with some pages of records of each kind, and the runtime of several threads.

mod absent;
mod application;
mod connection;
mod listing;
mod record_text;
mod rig;
mod trouble;
mod values;

pub use absent::*;
pub use connection::*;
pub use listing::*;
pub use rig::{Rig, Trouble, TroubleKind};
pub use trouble::*;
pub use values::*;

/// The names of all rules.
pub const RULES: &[&str] = crate::adapter_tests!(@all [@names]);
