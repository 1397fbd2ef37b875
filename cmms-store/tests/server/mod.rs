//! The PostgreSQL server of the tests: `cargo xtask test` and `cargo xtask postgres` start one and say where it is.

use cmms_core::ids::{IdGen as _, SystemIds};
use cmms_core::ports::store::Store as _;
use cmms_store::{PostgresOptions, PostgresStore};

/// The variable that says where it is.
const VARIABLE: &str = "CMMS_TEST_POSTGRES";

/// The URL of the server's database.
#[expect(
    clippy::disallowed_methods,
    clippy::panic,
    reason = "tests are told by the environment where the server is, and do not pass without one"
)]
pub(crate) fn url() -> String {
    std::env::var(VARIABLE).unwrap_or_else(|_| {
        panic!(
            "{VARIABLE} is not set: run `cargo xtask test`, or `cargo xtask postgres` beside this and set what it prints"
        )
    })
}

/// Options for a schema that nobody else uses.
pub(crate) fn options() -> PostgresOptions {
    let schema = format!("t{}", SystemIds.next().simple());
    PostgresOptions::parse(&url())
        .unwrap()
        .schema(&schema)
        .unwrap()
}

/// A store in a schema that nobody else uses.
pub(crate) async fn store() -> PostgresStore {
    let store = PostgresStore::connect(options()).await.unwrap();
    store.migrate().await.unwrap();
    store
}
