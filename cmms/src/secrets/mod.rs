//! Secrets at rest: envelope encryption of vendor credentials, and the master key that it needs.
//!
//! [`KeyVault`] implements the port of the core. It asks its [`KeySource`] for the master key only when
//! the first secret is sealed or opened, so a database without secrets needs neither a key nor a home.

mod binding;
mod data_key;
mod envelope;
mod kek;
mod key_file;
pub mod master_key;
mod payload;
mod vault;

pub use master_key::{KeyOrigin, KeySource};
pub use vault::KeyVault;
