//! The REST server and the command line of cmms.
//!
//! [`rest`] serves the documented paths; what they do is the core's.

pub mod cli;
pub mod rest;
