//! Calls that are dropped in the middle leave no connection whose state is not known: the next one to use it finds its
//! own organization, and a host program finds its connections as it lent them.
//!
//! The switch that breaks it is one of the whole process, so its test comes in the same one.

#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod server;

use cmms_core::domain::setting::Setting;
use cmms_core::failpoint::{Failpoint, set};
use cmms_core::ports::repository::TxExt as _;
use cmms_core::ports::store::{Query, SaveRule, Store as _, TxMode};
use cmms_core::testing::store_suite::calls_dropped_at_any_await_are_done_whole_or_not_at_all as dropped_calls;
use cmms_core::testing::{polled, samples};
use cmms_store::PostgresStore;
use sqlx::Row as _;
use sqlx::postgres::{PgPool, PgPoolOptions};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Drops every call of a store that has one connection for all of them, so that each finds what the one before left.
async fn on_one_connection() {
    let options = server::options_of(&server::schema())
        .connections(2)
        .unwrap();
    let store = Arc::new(PostgresStore::connect(options).await.unwrap());
    store.migrate().await.unwrap();
    let _other = store
        .begin(&samples::scope(9), TxMode::Snapshot)
        .await
        .unwrap();
    dropped_calls(&*store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_on_which_a_call_was_dropped_is_as_it_is_believed_to_be() {
    on_one_connection().await;
    set(Failpoint::BelieveDropped, true);
    #[expect(clippy::disallowed_methods, reason = "the test joins the task at once")]
    let twin = tokio::spawn(on_one_connection()).await;
    set(Failpoint::BelieveDropped, false);
    assert!(
        twin.is_err_and(|e| e.is_panic()),
        "a connection that is believed to be as before is caught"
    );
}

async fn lent() -> (PgPool, PostgresStore, String) {
    let schema = server::schema();
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect(&server::url())
        .await
        .unwrap();
    let store = PostgresStore::from_pool(pool.clone(), &schema).unwrap();
    store.migrate().await.unwrap();
    (pool, store, schema)
}

/// What the only connection of a host's pool is not as it was.
async fn strange(pool: &PgPool) -> Vec<&'static str> {
    let asked = "SELECT current_user = session_user, coalesce(current_setting('cmms.org_id', true), '') = '', \
         now() = statement_timestamp(), current_setting('lock_timeout') = '0', \
         NOT EXISTS (SELECT 1 FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory')";
    let mut connection = pool.acquire().await.unwrap();
    let row = sqlx::raw_sql(asked)
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    let names = ["role", "organization", "transaction", "setting", "lock"];
    let checks = names.into_iter().enumerate();
    checks
        .filter(|(i, _)| !row.get::<bool, _>(*i))
        .map(|(_, name)| name)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lent_connection_goes_back_as_it_came_wherever_a_call_was_dropped() {
    let (pool, store, _) = lent().await;
    let scope = samples::scope(1);
    let rows = [samples::setting("a", 1), samples::setting("b", 1)];
    for mode in [TxMode::Snapshot, TxMode::Write, TxMode::Once] {
        for polls in 1.. {
            let work = async {
                let mut tx = store.begin(&scope, mode).await?;
                if mode != TxMode::Snapshot {
                    tx.of().save_all(&rows, SaveRule::Upsert).await?;
                }
                let query = Query::default();
                tx.of::<Setting>().list(&query).await?;
                tx.commit().await
            };
            let done = polled(polls, work).await;
            assert_eq!(
                strange(&pool).await,
                [""; 0],
                "{mode:?} after {polls} polls"
            );
            if let Some(done) = done {
                done.unwrap();
                break;
            }
        }
    }
    dropped_calls(&store).await;
    assert_eq!(strange(&pool).await, [""; 0]);
}

/// Found in use: the answer of a transaction that was still to begin came after the time that undoing it has, and the
/// host went on inside of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_lent_connection_that_waits_too_long_is_closed() {
    let (pool, store, schema) = lent().await;
    let writer = PostgresStore::connect(server::options_of(&schema))
        .await
        .unwrap();
    let scope = samples::scope(1);
    let first = store.begin(&scope, TxMode::Write).await.unwrap();
    first.commit().await.unwrap();
    let held = writer.begin(&scope, TxMode::Write).await.unwrap();
    // Long enough to wait for the lock, and then nobody waits for that any more.
    let begun = timeout(
        Duration::from_millis(300),
        store.begin(&scope, TxMode::Write),
    )
    .await;
    assert!(begun.is_err(), "two writers at once");
    assert_eq!(strange(&pool).await, [""; 0]);
    // The server may have ended it meanwhile, since it said nothing.
    let _ = held.rollback().await;
    store
        .begin(&scope, TxMode::Write)
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
}
