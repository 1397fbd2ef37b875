//! The example of a store of one's own keeps every rule of the store suite, and what it keeps outlives it.

#[expect(dead_code, reason = "the example's own main program")]
#[path = "../../examples/rust/custom_store.rs"]
mod example;

use cmms::core::memory::MemoryStore;
use cmms::core::ports::store::Store;
use cmms::core::testing::random_programs_agree;
use cmms::{Client, CreateWorkOrder, ListWorkOrders};
use example::JsonLines;
use std::sync::Arc;
use tempfile::TempDir;

async fn make() -> (TempDir, Arc<dyn Store>) {
    let folder = TempDir::new().unwrap();
    let store = JsonLines::open(&folder.path().join("cmms.jsonl")).await;
    (folder, Arc::new(store.unwrap()))
}

cmms::core::store_tests!(make);

#[tokio::test(flavor = "multi_thread")]
async fn random_programs_have_the_answers_of_the_memory_store() {
    let (_folder, store) = make().await;
    let memory = MemoryStore::new();
    for seed in 0..10 {
        let same = async || Arc::clone(&store);
        random_programs_agree(&memory, same, seed, 100).await;
    }
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart_and_half_a_line_is_not() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("cmms.jsonl");
    let mut orders = Vec::new();
    for round in 0..3 {
        let store = Arc::new(JsonLines::open(&path).await.unwrap());
        let taken = JsonLines::open(&path).await.unwrap_err();
        assert_eq!(taken.code().id(), "CMMS-STORE-002");
        let client = Client::builder(store)
            .organization("b")
            .build()
            .await
            .unwrap();
        let here = client
            .work_orders()
            .list(ListWorkOrders::new())
            .await
            .unwrap();
        assert_eq!(here.items, orders);
        let order = CreateWorkOrder::new(format!("Order {round}")).estimated_hours(0.1);
        client.work_orders().create(order).await.unwrap();
        orders = client
            .work_orders()
            .list(ListWorkOrders::new())
            .await
            .unwrap()
            .items;
        drop(client);
        // A crash in the middle of a line.
        let mut text = std::fs::read(&path).unwrap();
        text.extend_from_slice(br#"{"org": "0190a0"#);
        std::fs::write(&path, text).unwrap();
    }
}
