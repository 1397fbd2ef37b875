//! The REST interface over a real database file: what is documented works, what is wrong is refused exactly.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests end the test where something is not as it must be"
)]

mod audit;
mod border;
mod calls;
mod commits;
mod documented;
mod examples;
mod finding;
mod fixture;
mod headers;
mod idempotency;
mod mappings;
mod odd;
mod paging;
mod port;
mod refusals;
mod routes;
mod runs;
mod secrets;
mod system;
