//! The conformance suite on the pool of a host program, whose connections come back as they were.

#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod server;

use cmms_core::ports::store::Store;
use cmms_store::PostgresStore;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Row as _};
use std::sync::Arc;

async fn lent() -> (PgPool, PostgresStore) {
    let pool = PgPoolOptions::new()
        .max_connections(6)
        .connect(&server::url())
        .await
        .unwrap();
    let store = PostgresStore::from_pool(pool.clone(), &server::schema()).unwrap();
    store.migrate().await.unwrap();
    (pool, store)
}

async fn make() -> (PgPool, Arc<dyn Store>) {
    let (pool, store) = lent().await;
    (pool, Arc::new(store))
}

cmms_core::store_tests!(make);

#[tokio::test(flavor = "multi_thread")]
async fn connections_come_back_as_they_were() {
    let (pool, store) = lent().await;
    let asked = "SELECT current_user = session_user, coalesce(current_setting('cmms.org_id', true), ''), \
         pg_current_xact_id_if_assigned() IS NULL";
    cmms_core::testing::store_suite::rolled_back_transaction_leaves_nothing(&store).await;
    let other = PostgresStore::from_pool(pool.clone(), &server::schema()).unwrap();
    other.migrate().await.unwrap();
    cmms_core::testing::store_suite::snapshot_sees_one_state(&other).await;
    let mut taken = Vec::new();
    // They come back in their own time.
    for _ in 0..pool.size() {
        taken.push(pool.acquire().await.unwrap());
    }
    for mut connection in taken {
        let query = sqlx::query(AssertSqlSafe(asked.to_owned()));
        let row = query.fetch_one(&mut *connection).await.unwrap();
        let (same, org, clean): (bool, String, bool) = (row.get(0), row.get(1), row.get(2));
        assert!(same && clean, "the role and the transaction are the host's");
        assert_eq!(org, "", "no organization is set");
    }
}
