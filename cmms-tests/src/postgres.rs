//! The PostgreSQL server of the tests: `cargo xtask test` and `cargo xtask postgres` start one and say where it is.

use cmms::core::ids::{IdGen as _, SystemIds};
use cmms::core::ports::store::Store as _;
use cmms::store::{PostgresOptions, PostgresStore};

/// The variable that says where it is.
const VARIABLE: &str = "CMMS_TEST_POSTGRES";

/// The value of a variable that the test command sets.
///
/// # Panics
/// Without it: a test that needs the server does not pass without one.
#[expect(
    clippy::disallowed_methods,
    reason = "tests are told by the environment where the server is"
)]
pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: run `cargo xtask test`, or `cargo xtask postgres` beside this and set what it prints"
        )
    })
}

/// The URL of a schema that nobody else uses; there is nothing in it.
pub fn empty() -> String {
    let url = variable(VARIABLE);
    format!("{url}?schema=t{}", SystemIds.next().simple())
}

/// The URL of a schema that nobody else uses, with the tables of this program.
pub async fn fresh() -> String {
    let url = empty();
    open(&url).await.migrate().await.unwrap();
    url
}

/// A store in the schema that a URL names.
pub async fn open(url: &str) -> PostgresStore {
    let options = PostgresOptions::parse(url).unwrap();
    PostgresStore::connect(options).await.unwrap()
}
