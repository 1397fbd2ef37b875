//! For tests of stores, adapters, services and whatever embeds the library: a suite for each, samples, a clock that is
//! stepped by hand, ids that follow from a seed.
//!
//! Built only with the feature `testing`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "assertions of a test suite"
)]

pub mod adapter_suite;
mod adapter_tests;
mod ids;
mod polling;
mod random_program;
pub mod samples;
mod stepped_clock;
pub mod store_suite;
mod store_tests;

pub use ids::SeededIds;
pub use polling::polled;
pub use random_program::{Disturbed, random_programs_agree};
pub use stepped_clock::SteppedClock;
