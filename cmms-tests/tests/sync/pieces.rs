//! What writes many records writes them in pieces that are short on every store, since others wait for the writer.

use cmms::core::ports::store::Store;
use cmms::core::services::copy::copy;
use cmms::core::testing::SteppedClock;
use cmms::{Entity, SyncStatus};
use cmms_tests::Where;
use cmms_tests::listed::{Bench, record};
use cmms_tests::slow_store::SlowStore;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const PLACES: [Where; 3] = [Where::Memory, Where::Sqlite, Where::Postgres];
/// What a piece may take, but for the first ones on a store that has become slower.
const SHORT: Duration = Duration::from_millis(50);

/// A store that is slow with some rows in the middle.
fn time(row: usize) -> Duration {
    match row {
        2_000..3_000 => Duration::from_millis(1),
        3_000..3_010 => Duration::from_millis(200),
        _ => Duration::from_micros(40),
    }
}

/// Pieces are short again soon after the store became slower, and as large as this where it is quick.
fn judge(calls: &[usize], quick: usize) {
    let mut row = 0;
    let mut long = 0;
    for piece in calls {
        let took: Duration = (row..row + piece).map(time).sum();
        // Nothing is shorter than one record.
        long += usize::from(took > SHORT && *piece > 1);
        row += piece;
    }
    assert!(
        long <= 4,
        "two for each time that it becomes slower: {calls:?}"
    );
    assert!(calls[0] <= 64, "begins small: {calls:?}");
    assert!(calls.contains(&1), "shrinks down to one record: {calls:?}");
    let (mut row, mut largest) = (0, [0, 0]);
    for piece in calls {
        let part = usize::from(row > 3_000);
        largest[part] = largest[part].max(*piece);
        row += piece;
    }
    assert_eq!(largest, [quick; 2], "grows, and grows again: {calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_of_a_page_shrink_when_the_store_is_slow_and_grow_again() {
    for place in PLACES {
        let (store, folder) = Bench::store(place).await;
        let clock = Arc::new(SteppedClock::default());
        let store = Arc::new(SlowStore::new(store, &clock, "work_orders", time));
        let shared = Arc::clone(&store) as Arc<dyn Store>;
        let bench = Bench::by_clock(shared, folder, clock).await;
        let order = |n: usize| {
            let id = format!("{n:05}");
            record(&id, json!({ "id": id, "title": "x" }))
        };
        let page = (0..6_000).map(order).collect();
        bench.vendor.list(Entity::WorkOrder, vec![page]);
        let run = bench.sync().await;
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 6_000));
        judge(&store.calls(), 500);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_of_a_copy_shrink_when_the_target_is_slow_and_grow_again() {
    let bench = Bench::new(Where::Memory).await;
    let order = |n: usize| {
        let id = format!("{n:05}");
        record(&id, json!({ "id": id, "title": "x" }))
    };
    let page = (0..8_000).map(order).collect();
    bench.vendor.list(Entity::WorkOrder, vec![page]);
    bench.sync().await;
    for place in PLACES {
        let (target, _folder) = Bench::store(place).await;
        let clock = Arc::new(SteppedClock::default());
        let target = SlowStore::new(target, &clock, "work_orders", time);
        copy(&*bench.store, &target, &*clock, |_| {}).await.unwrap();
        judge(&target.calls(), 1_000);
    }
}
