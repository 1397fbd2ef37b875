//! The rules that every store keeps, one function each.
//!
//! [`store_tests!`](crate::store_tests) makes a test of each. A rule needs a store that is migrated and
//! empty, and the runtime of several threads.

mod batch;
mod count;
mod dropped;
mod filter;
pub(super) mod harness;
mod insert;
mod later;
mod order;
mod organization;
mod portion;
mod projection;
mod race;
mod related;
mod transaction;
mod update;
mod upsert;
mod values;

pub use batch::*;
pub use count::*;
pub use dropped::*;
pub use filter::*;
pub use insert::*;
pub use later::*;
pub use order::*;
pub use organization::*;
pub use portion::*;
pub use projection::*;
pub use race::*;
pub use related::*;
pub use transaction::*;
pub use update::*;
pub use upsert::*;
pub use values::*;

/// The names of all rules.
pub const RULES: &[&str] = crate::store_tests!(@all [@names]);
