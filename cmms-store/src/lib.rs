//! Stores of cmms: databases behind the store port of `cmms-core`.
//!
//! A store is written once, against the description of records ([`cmms_core::record::Table`]): a new kind of
//! record costs its field list and its migration, no code here.
//!
//! [`SqliteStore`] keeps everything in one SQLite file: one writer, a few readers that never wait for it,
//! write-ahead log, every commit on the disk before it is answered.

#![warn(missing_docs)]

#[cfg(feature = "sqlite")]
mod migrate;
#[cfg(feature = "sqlite")]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};
