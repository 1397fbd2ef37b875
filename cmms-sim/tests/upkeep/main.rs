//! The simulator over real HTTP: each "Sim:" line of the fact sheet and each
//! behaviour of login, paging and reading has its own test.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests: a failure is a panic, and the client under test is reqwest itself"
)]

mod bench;
mod faults;
mod filters;
mod lists;
mod login;
mod records;
mod seeded;
mod vendor;
mod writes;
