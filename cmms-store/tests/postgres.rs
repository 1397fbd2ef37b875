//! The conformance suite of `cmms-core` on PostgreSQL: each test in a schema of its own.

#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod server;

use cmms_core::domain::sync_state::QuarantineItem;
use cmms_core::memory::MemoryStore;
use cmms_core::ports::repository::TxExt as _;
use cmms_core::ports::store::{SaveRule, Saved, Store, TxMode};
use cmms_core::testing::{random_programs_agree, samples};
use std::sync::Arc;

async fn make() -> ((), Arc<dyn Store>) {
    ((), Arc::new(server::store().await))
}

cmms_core::store_tests!(make);

#[tokio::test(flavor = "multi_thread")]
async fn random_programs_have_the_answers_of_the_memory_store() {
    let store = server::store().await;
    let memory = MemoryStore::new();
    for seed in 0..20 {
        random_programs_agree(&memory, &store, seed, 150).await;
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
