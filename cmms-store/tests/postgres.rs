//! The conformance suite of `cmms-core` on PostgreSQL: each test in a schema of its own.

#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod server;

use cmms_core::domain::sync_state::QuarantineItem;
use cmms_core::domain::work_order::WorkOrder;
use cmms_core::memory::MemoryStore;
use cmms_core::ports::repository::TxExt as _;
use cmms_core::ports::store::{SaveRule, Saved, Store, TxMode};
use cmms_core::record::Cell;
use cmms_core::testing::{random_programs_agree, samples};
use cmms_store::PostgresStore;
use std::sync::Arc;

async fn make() -> ((), Arc<dyn Store>) {
    ((), Arc::new(server::store().await))
}

cmms_core::store_tests!(make);

#[tokio::test(flavor = "multi_thread")]
async fn random_programs_have_the_answers_of_the_memory_store() {
    let ((), store) = make().await;
    let memory = MemoryStore::new();
    for seed in 0..20 {
        let same = async || Arc::clone(&store);
        random_programs_agree(&memory, same, seed, 150).await;
    }
}

/// Found by reading: the temporary table went with the savepoint of the clash, and the next rows did not find it.
#[tokio::test]
async fn rows_come_by_copy_after_others_that_met_a_taken_unique_key() {
    let store = server::store().await;
    let scope = samples::scope(1);
    let connection = samples::connection_id(1);
    let items = |from: u32| -> Vec<QuarantineItem> {
        let all = from..from + 2_000;
        all.map(|n| samples::quarantine_item(connection, n))
            .collect()
    };
    let mut tx = store.begin(&scope, TxMode::Write).await.unwrap();
    let mut first = items(0);
    first[1_999].id = first[0].id;
    let saved = tx.of().save_all(&first, SaveRule::Upsert).await.unwrap();
    assert_eq!(saved[1_999], Saved::Duplicate);
    assert!(saved[..1_999].iter().all(|s| *s == Saved::Inserted));
    let saved = tx.of().save_all(&items(5_000), SaveRule::Upsert).await;
    assert_eq!(saved.unwrap(), vec![Saved::Inserted; 2_000]);
    tx.commit().await.unwrap();
}

/// Found by measuring: while nothing was known of a new table, the rows of many keys were joined to all of its rows, and
/// the plan was kept when the table was large.
#[tokio::test]
async fn rows_of_many_keys_are_found_through_the_index_from_the_first_one_on() {
    let schema = server::schema();
    let options = server::options_of(&schema);
    let store = PostgresStore::connect(options).await.unwrap();
    store.migrate().await.unwrap();
    let scope = samples::scope(1);
    let orders: Vec<WorkOrder> = (0..3_000).map(samples::work_order).collect();
    for some in orders.chunks(300) {
        let mut tx = store.begin(&scope, TxMode::Write).await.unwrap();
        tx.of().save_all(some, SaveRule::Insert).await.unwrap();
        let keys: Vec<_> = some.iter().take(20).map(|o| [Cell::Id(o.id.0)]).collect();
        let keys: Vec<&[Cell<'_>]> = keys.iter().map(<[_; 1]>::as_slice).collect();
        let found = tx.of::<WorkOrder>().get_all(&keys).await.unwrap();
        assert_eq!(found.len(), 20);
        tx.commit().await.unwrap();
    }
    drop(store);
    let read = server::rows_read(&schema, "work_orders", 3_000).await;
    assert!(read < 1_000, "{read} rows were read for 200");
}
