//! The REST interface over a real database file: what is documented works, what is wrong is refused exactly.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests end the test where something is not as it must be"
)]

mod border;
mod calls;
mod documented;
mod fixture;
mod headers;
mod paging;
mod port;
mod refusals;
mod routes;
mod secrets;
mod system;
