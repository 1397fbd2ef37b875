//! The PostgreSQL server of the tests: `cargo xtask test` and `cargo xtask postgres` start one and say where it is.

#![expect(dead_code, reason = "each test program uses a part of it")]

use cmms_core::ids::{IdGen as _, SystemIds};
use cmms_core::ports::store::Store as _;
use cmms_store::{PostgresOptions, PostgresStore};
use sqlx::{Connection as _, PgConnection};
use std::time::Duration;

/// The variable that says where it is, as the owner of its database.
const VARIABLE: &str = "CMMS_TEST_POSTGRES";
/// So, as the superuser.
const ADMIN: &str = "CMMS_TEST_POSTGRES_ADMIN";

#[expect(
    clippy::disallowed_methods,
    clippy::panic,
    reason = "tests are told by the environment where the server is, and do not pass without one"
)]
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: run `cargo xtask test`, or `cargo xtask postgres` beside this and set what it prints"
        )
    })
}

/// The URL of the server's database.
pub(crate) fn url() -> String {
    variable(VARIABLE)
}

/// The same, as the superuser.
pub(crate) fn admin() -> String {
    variable(ADMIN)
}

/// A name for a schema that nobody else uses.
pub(crate) fn schema() -> String {
    format!("t{}", SystemIds.next().simple())
}

/// Options for a schema.
pub(crate) fn options_of(schema: &str) -> PostgresOptions {
    let options = PostgresOptions::parse(&url()).unwrap();
    options.schema(schema).unwrap()
}

/// A store in a schema that nobody else uses.
pub(crate) async fn store() -> PostgresStore {
    let store = PostgresStore::connect(options_of(&schema())).await.unwrap();
    store.migrate().await.unwrap();
    store
}

/// How many rows of a table were read through its indexes since it was made, in a schema that nobody uses any more: the
/// server knows when the connections have ended.
pub(crate) async fn rows_read(schema: &str, table: &str, inserted: i64) -> i64 {
    let mut server = PgConnection::connect(&admin()).await.unwrap();
    loop {
        let sql = "SELECT n_tup_ins, idx_tup_fetch FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = $2";
        let query = sqlx::query_as(sql).bind(schema).bind(table);
        let (rows, read): (i64, i64) = query.fetch_one(&mut server).await.unwrap();
        if rows == inserted {
            return read;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether the long counts are asked for.
#[expect(
    clippy::disallowed_methods,
    reason = "the test command says so in the environment"
)]
pub(crate) fn release_tier() -> bool {
    std::env::var("CMMS_TEST_TIER").is_ok_and(|tier| tier == "release")
}
