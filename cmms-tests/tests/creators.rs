//! Records are created beside programs that write as much as they can.

use cmms::core::context::Scope;
use cmms::core::ports::repository::TxExt as _;
use cmms::core::ports::store::{SaveRule, Store, TxMode};
use cmms::core::testing::samples;
use cmms::{Client, Config, CreateWorkOrder};
use cmms_tests::postgres;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Created by each of those who create.
const EACH: usize = 40;

async fn creates(client: &Client) {
    for _ in 0..EACH {
        let order = CreateWorkOrder::new("Check pump");
        client.work_orders().create(order).await.unwrap();
    }
}

/// Writes without a pause and counts nothing, as a sync does that finds nothing new.
async fn writes(store: &dyn Store, scope: &Scope, done: &AtomicBool) -> u32 {
    let mut n = 0;
    while !done.load(Ordering::Relaxed) {
        n += 1;
        let mut tx = store.begin(scope, TxMode::Write).await.unwrap();
        let setting = samples::setting(&format!("s{n}"), n);
        tx.of().save(&setting, SaveRule::Upsert).await.unwrap();
        tokio::task::yield_now().await;
        tx.commit().await.unwrap();
    }
    n
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_starves_beside_a_program_that_writes_without_a_pause() {
    let url = postgres::fresh().await;
    let config = Config::from_pairs([("USER", "tester")]).unwrap();
    let opened = Client::builder(Arc::new(postgres::open(&url).await)).config(config);
    let client = opened.build().await.unwrap();
    let (other, done) = (postgres::open(&url).await, AtomicBool::new(false));
    let all = async {
        tokio::join!(creates(&client), creates(&client), creates(&client));
        done.store(true, Ordering::Relaxed);
    };
    let ((), written) = tokio::join!(all, writes(&other, client.scope(), &done));
    let order = client.work_orders().create(CreateWorkOrder::new("Last"));
    let number = order.await.unwrap().number;
    assert!(
        number.ends_with(&format!("{:04}", 3 * EACH + 1)),
        "{number}"
    );
    println!("{} work orders beside {written} writes", 3 * EACH);
}
