//! The conformance suite of `cmms-core` on PostgreSQL: each test in a schema of its own.

#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod server;

use cmms_core::memory::MemoryStore;
use cmms_core::ports::store::Store;
use cmms_core::testing::random_programs_agree;
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
