//! Counting: how many rows a filter takes, and how many with each value of a column.

use super::harness::{insert, once, scope, write};
use crate::context::Scope;
use crate::domain::asset::Asset;
use crate::domain::sync_run::SyncRun;
use crate::domain::sync_state::{ExternalLink, LinkView};
use crate::domain::work_order::{WorkOrder, WorkOrderStatus};
use crate::ports::count::{Count, Group};
use crate::ports::repository::TxExt as _;
use crate::ports::store::{Cmp, Filter, Store};
use crate::record::{Cell, Col, Field as _, Record};
use crate::testing::samples;

async fn count<R: Record>(
    store: &dyn Store,
    scope: &Scope,
    filter: Filter<'_>,
    by: Option<Col>,
) -> Vec<(Cell<'static>, u64)> {
    let mut tx = once(store, scope).await;
    let count = Count {
        filter,
        by,
        limit: None,
    };
    pairs(tx.of::<R>().count(&count).await.unwrap())
}

fn pairs(groups: Vec<Group>) -> Vec<(Cell<'static>, u64)> {
    groups.into_iter().map(|g| (g.value, g.rows)).collect()
}

fn order(n: u32, status: WorkOrderStatus, assigned_to: Option<&str>) -> WorkOrder {
    WorkOrder {
        status,
        assigned_to: assigned_to.map(str::to_owned),
        ..samples::work_order(n)
    }
}

fn all_of(rows: u64) -> Vec<(Cell<'static>, u64)> {
    vec![(Cell::Null, rows)]
}

/// Without a column there is one group of all rows that the filter takes, and with no rows it is empty.
pub async fn count_tells_how_many_a_filter_takes(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let none = count::<WorkOrder>(store, &scope, Filter::All, None).await;
    assert_eq!(none, all_of(0));
    let orders: Vec<_> = (0..20).map(samples::work_order).collect();
    insert(store, &scope, &orders).await;
    let all = count::<WorkOrder>(store, &scope, Filter::All, None).await;
    assert_eq!(all, all_of(20));
    let some = Filter::Is(WorkOrder::ID, Cmp::Lt, orders[7].id.cell());
    assert_eq!(
        count::<WorkOrder>(store, &scope, some, None).await,
        all_of(7)
    );
    let ids = orders.iter().map(|o| o.id.cell()).collect();
    let many = Filter::In(WorkOrder::ID, ids);
    assert_eq!(
        count::<WorkOrder>(store, &scope, many, None).await,
        all_of(20)
    );
}

/// With a column there is a group for each of its values, of the most rows first, then by value; null is one, too.
pub async fn count_groups_by_the_values_of_a_column(store: &dyn Store) {
    let scope = scope(store, "a").await;
    use WorkOrderStatus::{Closed, Draft, OnHold};
    let orders = [
        order(1, OnHold, Some("ö")),
        order(2, OnHold, None),
        order(3, Draft, Some("o")),
        order(4, OnHold, Some("")),
        order(5, Closed, None),
        order(6, Draft, Some("O")),
    ];
    insert(store, &scope, &orders).await;
    let by_status = count::<WorkOrder>(store, &scope, Filter::All, Some(WorkOrder::STATUS)).await;
    let expected = [("on_hold", 3), ("draft", 2), ("closed", 1)];
    assert_eq!(by_status, expected.map(|(word, n)| (Cell::text(word), n)));
    let open = Filter::Is(WorkOrder::STATUS, Cmp::Ne, Closed.cell());
    let by = count::<WorkOrder>(store, &scope, open, Some(WorkOrder::ASSIGNED_TO)).await;
    let texts = ["", "O", "o", "ö"].map(|text| (Cell::text(text), 1));
    assert_eq!(by, [vec![(Cell::Null, 1)], texts.to_vec()].concat());
    let none = Filter::eq(WorkOrder::NUMBER, Cell::text("none"));
    let by = count::<WorkOrder>(store, &scope, none, Some(WorkOrder::STATUS)).await;
    assert_eq!(by, []);
}

/// Values of every kind but JSON are counted, each as itself.
pub async fn count_groups_by_values_of_every_kind(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let assets = [1, 2, 3].map(samples::asset);
    insert(store, &scope, &assets).await;
    for (col, cells) in [
        (Asset::ID, assets.each_ref().map(|a| a.id.cell())),
        (
            Asset::CREATED_AT,
            assets.each_ref().map(|a| a.created_at.cell()),
        ),
        (
            Asset::EXPECTED_LIFESPAN,
            assets.each_ref().map(|a| a.expected_lifespan.cell()),
        ),
        (
            Asset::REPLACEMENT_VALUE,
            assets.each_ref().map(|a| a.replacement_value.cell()),
        ),
    ] {
        let mut cells = cells.to_vec();
        cells.sort_by(Cell::compare);
        let expected: Vec<_> = cells.into_iter().map(|cell| (cell, 1)).collect();
        assert_eq!(
            count::<Asset>(store, &scope, Filter::All, Some(col)).await,
            expected
        );
    }
    let connection = samples::connection_id(1);
    let mut runs = [1, 2, 3].map(|n| samples::sync_run(connection, n));
    (runs[0].force_sync, runs[1].force_sync, runs[2].force_sync) = (true, false, true);
    insert(store, &scope, &runs).await;
    let by = count::<SyncRun>(store, &scope, Filter::All, Some(SyncRun::FORCE_SYNC)).await;
    assert_eq!(by, [(Cell::Bool(true), 2), (Cell::Bool(false), 1)]);
    // A narrower view counts by any column of its rows, as it filters by any.
    let links = [1, 2].map(|n| samples::external_link(connection, n));
    insert(store, &scope, &links).await;
    let by = count::<LinkView>(store, &scope, Filter::All, Some(ExternalLink::DIGEST)).await;
    assert_eq!(by.len(), 2);
    let mut tx = once(store, &scope).await;
    let json = Count {
        by: Some(Asset::TAGS),
        ..Count::default()
    };
    assert!(tx.of::<Asset>().count(&json).await.is_err());
}

/// A limit keeps the values of the most rows.
pub async fn count_keeps_the_largest_groups(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let orders: Vec<_> = (0..10_u32)
        .map(|n| {
            let person = ["a", "b", "b", "c", "c", "c", "d", "d", "d", "d"];
            order(n, WorkOrderStatus::Draft, person.get(n as usize).copied())
        })
        .collect();
    insert(store, &scope, &orders).await;
    let mut tx = once(store, &scope).await;
    let largest = Count {
        by: Some(WorkOrder::ASSIGNED_TO),
        limit: Some(2),
        ..Count::default()
    };
    let found = pairs(tx.of::<WorkOrder>().count(&largest).await.unwrap());
    assert_eq!(found, [("d", 4), ("c", 3)].map(|(t, n)| (Cell::text(t), n)));
}

/// A count finds what its own transaction wrote or put off, and nothing of another organization or transaction.
pub async fn count_sees_what_a_list_sees(store: &dyn Store) {
    let (mine, other) = (scope(store, "a").await, scope(store, "b").await);
    insert(store, &mine, &[1, 2].map(samples::work_order)).await;
    insert(store, &other, &[1, 2, 3].map(samples::work_order)).await;
    let mut tx = write(store, &mine).await;
    let later = samples::work_order(9);
    tx.of::<WorkOrder>().insert_later(&later).await.unwrap();
    let inside = tx.of::<WorkOrder>().count(&Count::default()).await.unwrap();
    assert_eq!(pairs(inside), all_of(3));
    tx.rollback().await.unwrap();
    let after = count::<WorkOrder>(store, &mine, Filter::All, None).await;
    assert_eq!(after, all_of(2));
}
