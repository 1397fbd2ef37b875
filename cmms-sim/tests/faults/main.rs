//! The fault table: what is on the socket really is as each fault says.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests: a failure is a panic"
)]

mod content;
mod plan;
mod raw;
mod wire;
