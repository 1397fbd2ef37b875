//! Stores of cmms: databases behind the store port of `cmms-core`.
//!
//! A store is written once, against the description of records ([`cmms_core::record::Table`]): a new kind of
//! record costs its field list and its migration, no code here.
//!
//! `PostgresStore` (feature `postgres`) keeps it in a schema of a PostgreSQL database, for several processes on
//! several hosts: row-level security for each organization, bulk writes without a statement per row.
//!
//! [`SqliteStore`] keeps everything in one SQLite file: one writer, a few readers that never wait for it,
//! write-ahead log, every commit on the disk before it is answered.

#![warn(missing_docs)]

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod keys;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod migrate;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "postgres")]
pub use postgres::{PostgresOptions, PostgresStore};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};
