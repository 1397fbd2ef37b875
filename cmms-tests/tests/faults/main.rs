//! The whole fault table of the simulator against a sync.
//!
//! Whatever a vendor does, the run says what came of it, nothing is deleted, no checkpoint is ahead of its rows,
//! and two clean runs later the store is what the vendor has.

#![expect(
    clippy::disallowed_methods,
    reason = "a test that starts itself as a child and asks for the time that it takes"
)]

mod case;
mod memory;
mod table;
mod vendor;
