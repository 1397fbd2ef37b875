//! Portions: a read of large rows ends before it needs much memory.

use super::harness::{insert, scope};
use crate::domain::sync_state::LinkView;
use crate::domain::work_order::WorkOrder;
use crate::ports::repository::TxExt as _;
use crate::ports::store::{Query, Store, TxMode};
use crate::testing::samples;

/// It ends with the row that makes it so many octets, and says whether there are more rows; one row is always there.
pub async fn portion_ends_at_its_octets_and_says_whether_there_are_more(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let orders: Vec<_> = (0..10)
        .map(|n| WorkOrder {
            description: Some("x".repeat(10_000)),
            ..samples::work_order(n)
        })
        .collect();
    insert(store, &scope, &orders).await;
    let query = Query::default();
    for mode in [TxMode::Once, TxMode::Snapshot, TxMode::Write] {
        for (octets, rows) in [(1, 1), (35_000, 4), (95_000, 10), (usize::MAX, 10)] {
            let mut tx = store.begin(&scope, mode).await.unwrap();
            let found = tx.of::<WorkOrder>().list_within(&query, octets).await;
            let found = found.unwrap();
            assert_eq!(found.records, orders[..rows], "{mode:?} {octets}");
            assert_eq!(found.is_cut, rows < 10, "{mode:?} {octets}");
            assert!(found.octets > rows * 10_000 && found.octets < rows * 12_000);
            // The transaction goes on as before.
            let mut tx = match mode {
                TxMode::Once => store.begin(&scope, mode).await.unwrap(),
                _ => tx,
            };
            let (found, _) = tx
                .of::<WorkOrder>()
                .list_with::<LinkView>(&query, LinkView::RECORD_ID, WorkOrder::ID, octets)
                .await
                .unwrap();
            assert_eq!(found.records, orders[..rows], "{mode:?} {octets}");
            assert_eq!(found.is_cut, rows < 10, "{mode:?} {octets}");
        }
    }
}
