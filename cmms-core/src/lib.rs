//! The storage-agnostic core of cmms: domain, ports, services and the table of operations.
//!
//! Data flows one way: surface → operation ([`ops`]) → service ([`services`]) → port ([`ports`]).
//! Nothing here opens a file or a socket; stores, vendors and secrets come in through [`ports`].

pub mod client;
pub mod clock;
pub mod context;
pub mod domain;
pub mod encoding;
pub mod error;
pub mod failpoint;
pub mod ids;
pub mod mapping;
pub mod memory;
pub mod money;
pub mod ops;
pub mod page;
pub mod ports;
pub mod record;
pub mod request;
pub mod services;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use client::Client;
pub use error::{Error, ErrorKind, Problem, Result, Violation, code};
