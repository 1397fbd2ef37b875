//! The conformance suite of `cmms-core` on a SQLite file.

#![expect(clippy::unwrap_used, reason = "tests")]

use cmms_core::memory::MemoryStore;
use cmms_core::ports::store::Store;
use cmms_core::testing::random_programs_agree;
use cmms_store::{SqliteOptions, SqliteStore};
use std::sync::Arc;
use tempfile::TempDir;

async fn make() -> (TempDir, Arc<dyn Store>) {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(&folder.path().join("cmms.db"), SqliteOptions::default());
    (folder, Arc::new(store.unwrap()))
}

cmms_core::store_tests!(make);

#[tokio::test(flavor = "multi_thread")]
async fn random_programs_have_the_answers_of_the_memory_store() {
    let (_folder, store) = make().await;
    let memory = MemoryStore::new();
    for seed in 0..20 {
        let same = async || std::sync::Arc::clone(&store);
        random_programs_agree(&memory, same, seed, 150).await;
    }
}

/// Everything works without threads to step aside to.
#[tokio::test]
async fn random_programs_agree_on_a_runtime_of_one_thread() {
    let (_folder, store) = make().await;
    let same = async || std::sync::Arc::clone(&store);
    random_programs_agree(&MemoryStore::new(), same, 77, 300).await;
}

#[tokio::test]
async fn bulk_saves_work_on_a_runtime_of_one_thread() {
    let (_folder, store) = make().await;
    cmms_core::testing::store_suite::bulk_save_of_ten_thousand_rows(&*store).await;
}
