//! Traits of what the core needs from outside: stores, vendors, secrets, the host process.

pub mod adapter;
pub mod count;
mod fit;
pub(crate) mod overlap;
pub mod portion;
pub mod process;
pub mod repository;
pub mod secrets;
pub mod store;

pub use fit::fit;
